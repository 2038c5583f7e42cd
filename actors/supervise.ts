/**
 * Restarts a child that fails, after a back-off that doubles, at most `maxRestarts` times within `withinSeconds`, and
 * at most `maxRestarts` times without an item done in between, for tries of any length. The failure past the budget has
 * no transition and so escalates: the supervisor itself is then in error, and its parent gets that error.
 */
import { assign, setup } from 'xstate';
import { serviceMachine, type ServiceInput } from './service.ts';

export interface Budget {
  readonly maxRestarts: number;
  readonly withinSeconds: number;
  readonly backoffMilliseconds: number;
  readonly maxBackoffMilliseconds: number;
}

export interface SupervisorInput<P> extends ServiceInput<P> {
  readonly budget: Budget;
  /** Called with each restart and its reason. */
  readonly restarted?: ((error: Error) => void) | undefined;
}

/**
 * `DONE`: the child has done an item. `EXCUSED`: an item was to blame for so many of the latest failures; they count
 * only while no item is done, so that bad items among good ones never use up the budget, and a child that fails on all
 * of them does.
 */
export type SupervisorEvent = { readonly type: 'DONE' } | { readonly type: 'EXCUSED'; readonly failures: number };

/** Failures that are remembered. */
export const FAILURES = 20;

export interface SupervisorContext<P> {
  readonly input: SupervisorInput<P>;
  /** Milliseconds since 1970 of the restarts within the window. */
  readonly recent: readonly number[];
  readonly restarts: number;
  /** Restarts since the last item that was done. */
  readonly fruitless: number;
  /** Why the child last failed. */
  readonly error: Error | undefined;
  readonly failedAt: number;
  /** Failures that a restart followed, newest first. `at`: milliseconds since 1970. */
  readonly failures: readonly { readonly at: number; readonly message: string; readonly stack: string }[];
}

/** Restarts that still count at time `now`; after the clock was set back, restarts dated far ahead do not count. */
export function recentRestarts(restarts: readonly number[], now: number, budget: Budget): readonly number[] {
  return restarts.filter((at) => Math.abs(now - at) < budget.withinSeconds * 1000);
}

/** Milliseconds to wait before the restart that follows `recent` others. */
export function backoff(recent: number, budget: Budget): number {
  return Math.min(budget.maxBackoffMilliseconds, budget.backoffMilliseconds * 2 ** recent);
}

export function failureOf(error: Error, at: number): SupervisorContext<unknown>['failures'][number] {
  return { at, message: error.message, stack: error.stack ?? '' };
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

export function supervise<P>() {
  return setup({
    types: {
      context: {} as SupervisorContext<P>,
      events: {} as SupervisorEvent,
      input: {} as SupervisorInput<P>,
      tags: {} as 'error',
    },
    actors: { child: serviceMachine<P>() },
    guards: {
      'the budget allows a restart': ({ context: { input, recent, fruitless } }) =>
        fruitless < input.budget.maxRestarts &&
        recentRestarts(recent, input.now(), input.budget).length < input.budget.maxRestarts,
    },
    actions: {
      'count the restart': assign(
        ({ context: { input, recent, restarts, fruitless, failures } }, { error }: { error: unknown }) => ({
          recent: [...recentRestarts(recent, input.now(), input.budget), input.now()],
          restarts: restarts + 1,
          fruitless: fruitless + 1,
          error: errorOf(error),
          failedAt: input.now(),
          failures: [failureOf(errorOf(error), input.now()), ...failures].slice(0, FAILURES),
        }),
      ),
      'tell of the restart': ({ context: { input } }, { error }: { error: unknown }) =>
        input.restarted?.(errorOf(error)),
    },
    delays: { 'back-off': ({ context }) => backoff(context.recent.length - 1, context.input.budget) },
  }).createMachine({
    id: 'supervisor',
    context: ({ input }) => ({
      input,
      recent: [],
      restarts: 0,
      fruitless: 0,
      error: undefined,
      failedAt: 0,
      failures: [],
    }),
    initial: 'running',
    on: {
      DONE: { actions: assign({ fruitless: 0 }) },
      EXCUSED: {
        actions: assign(({ context: { recent }, event }) => ({
          recent: recent.slice(0, recent.length - event.failures),
        })),
      },
    },
    states: {
      running: {
        invoke: {
          id: 'child',
          src: 'child',
          input: ({ context }) => context.input,
          onError: {
            guard: 'the budget allows a restart',
            target: 'waiting',
            actions: [
              { type: 'count the restart', params: ({ event }) => ({ error: event.error }) },
              { type: 'tell of the restart', params: ({ event }) => ({ error: event.error }) },
            ],
          },
        },
      },
      waiting: { tags: 'error', after: { 'back-off': 'running' } },
    },
  });
}

export type Supervisor<P> = ReturnType<typeof supervise<P>>;
