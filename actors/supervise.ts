/**
 * Restarts a child that fails, after a back-off that doubles, at most `maxRestarts` times within `withinSeconds`. There is no transition
 * for the failure past the budget, which is how it escalates: the supervisor is then in error itself, and its parent is told.
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
}

export interface SupervisorContext<P> {
  readonly input: SupervisorInput<P>;
  /** Milliseconds since 1970 of the restarts within the window. */
  readonly recent: readonly number[];
  readonly restarts: number;
  /** Why the child last failed. */
  readonly error: Error | undefined;
  readonly failedAt: number;
}

/** Restarts that still count at time `now`. */
export function recentRestarts(restarts: readonly number[], now: number, budget: Budget): readonly number[] {
  return restarts.filter((at) => now - at < budget.withinSeconds * 1000);
}

/** Milliseconds to wait before the restart that follows `recent` others. */
export function backoff(recent: number, budget: Budget): number {
  return Math.min(budget.maxBackoffMilliseconds, budget.backoffMilliseconds * 2 ** recent);
}

export function supervise<P>() {
  return setup({
    types: { context: {} as SupervisorContext<P>, input: {} as SupervisorInput<P>, tags: {} as 'error' },
    actors: { child: serviceMachine<P>() },
    guards: {
      'the budget allows a restart': ({ context: { input, recent } }) =>
        recentRestarts(recent, input.now(), input.budget).length < input.budget.maxRestarts,
    },
    actions: {
      'count the restart': assign(({ context: { input, recent, restarts } }, { error }: { error: unknown }) => ({
        recent: [...recentRestarts(recent, input.now(), input.budget), input.now()],
        restarts: restarts + 1,
        error: error instanceof Error ? error : new Error(String(error)),
        failedAt: input.now(),
      })),
    },
    delays: { 'back-off': ({ context }) => backoff(context.recent.length - 1, context.input.budget) },
  }).createMachine({
    id: 'supervisor',
    context: ({ input }) => ({ input, recent: [], restarts: 0, error: undefined, failedAt: 0 }),
    initial: 'running',
    states: {
      running: {
        invoke: {
          id: 'child',
          src: 'child',
          input: ({ context }) => context.input,
          onError: {
            guard: 'the budget allows a restart',
            target: 'waiting',
            actions: { type: 'count the restart', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
      waiting: { tags: 'error', after: { 'back-off': 'running' } },
    },
  });
}

export type Supervisor<P> = ReturnType<typeof supervise<P>>;
