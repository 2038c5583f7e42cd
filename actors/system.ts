/**
 * The root of the actors: RUNNING (active or paused) -> STOPPING (the step in hand is finished) -> DRAINING (everything is saved) ->
 * STOPPED. It starts one supervisor for each member; one past its restart budget stops the whole, cleanly, unless it is optional. The first error
 * is kept and never masked by what goes wrong later.
 */
import { assign, createActor, enqueueActions, fromPromise, setup, type ActorOptions, type ActorRefFrom } from 'xstate';
import { Handle } from './handle.ts';
import { supervise, type Budget, type Supervisor } from './supervise.ts';

export interface Member {
  readonly role: string;
  /** Unique: `sampler-1`. */
  readonly id: string;
  readonly open: (signal: AbortSignal) => Promise<unknown>;
  /** The loop does without it: past its restart budget it stays failed, and nothing else stops. */
  readonly optional?: boolean;
}

export interface SystemInput {
  readonly members: readonly Member[];
  readonly budget: Budget;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told of each restart of a member. */
  readonly restarted?: (id: string, error: Error) => void;
  /** Ends the loop after the step in hand. */
  readonly finish: () => Promise<void>;
  /** Saves everything; runs whatever `finish` came to. */
  readonly save: () => Promise<void>;
}

export type SystemEvent =
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  | { readonly type: 'STOP' }
  | { readonly type: 'FAIL'; readonly error: unknown }
  | { readonly type: `xstate.error.actor.${string}`; readonly error: unknown };

interface SystemContext {
  readonly input: SystemInput;
  readonly error: unknown;
}

export const systemMachine = setup({
  types: { context: {} as SystemContext, events: {} as SystemEvent, input: {} as SystemInput },
  actors: {
    member: supervise<unknown>(),
    task: fromPromise<void, () => Promise<void>>(({ input }) => input()),
  },
  guards: {
    'the loop does without it': ({ context, event }) =>
      context.input.members.some(({ id, optional }) => optional === true && event.type === `xstate.error.actor.${id}`),
  },
  actions: {
    'start the members': enqueueActions(({ context, enqueue }) => {
      const { members, budget, now } = context.input;
      for (const { id, open } of members) {
        const restarted = (error: Error) => context.input.restarted?.(id, error);
        enqueue.spawnChild('member', { id, systemId: id, input: { open, budget, now, restarted } });
      }
    }),
    'keep the first error': assign({
      error: ({ context, event }) => context.error ?? ('error' in event ? event.error : undefined),
    }),
  },
}).createMachine({
  id: 'system',
  context: ({ input }) => ({ input, error: undefined }),
  entry: 'start the members',
  initial: 'RUNNING',
  on: { 'xstate.error.actor.*': [{ guard: 'the loop does without it' }, { actions: 'keep the first error' }] },
  states: {
    RUNNING: {
      initial: 'active',
      states: { active: { on: { PAUSE: 'paused' } }, paused: { on: { RESUME: 'active' } } },
      on: {
        STOP: 'STOPPING',
        FAIL: { target: 'STOPPING', actions: 'keep the first error' },
        'xstate.error.actor.*': [{ guard: 'the loop does without it' }, { target: 'STOPPING', actions: 'keep the first error' }],
      },
    },
    STOPPING: {
      invoke: {
        src: 'task',
        input: ({ context }) => context.input.finish,
        onDone: 'DRAINING',
        onError: { target: 'DRAINING', actions: 'keep the first error' },
      },
    },
    DRAINING: {
      invoke: {
        src: 'task',
        input: ({ context }) => context.input.save,
        onDone: 'STOPPED',
        onError: { target: 'STOPPED', actions: 'keep the first error' },
      },
    },
    STOPPED: { type: 'final' },
  },
});

export type System = ActorRefFrom<typeof systemMachine>;

/** Starts the members and returns the root and a handle on each member, in the order given. */
export function startSystem(
  input: SystemInput,
  clock?: ActorOptions<typeof systemMachine>['clock'],
): { readonly system: System; readonly handles: ReadonlyMap<string, Handle<never>> } {
  const system = createActor(systemMachine, { input, ...(clock ? { clock } : {}) });
  // Errors are states of the root, read from its snapshot; an observer keeps XState from rethrowing them as uncaught.
  system.subscribe({ error: () => {} });
  system.start();
  const children = system.getSnapshot().children as unknown as Record<string, ActorRefFrom<Supervisor<never>>>;
  return { system, handles: new Map(input.members.map(({ id, role }) => [id, new Handle(role, children[id]!)])) };
}
