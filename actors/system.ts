/**
 * The root of the actors: RUNNING (active or paused) -> STOPPING (the step in hand is finished) -> DRAINING (everything
 * is saved) -> STOPPED. It starts one supervisor for each member; a member past its restart budget stops the system
 * cleanly, unless it is optional. The first error is kept; later errors never mask it.
 */
import { assign, createActor, enqueueActions, fromPromise, setup, type ActorOptions, type ActorRefFrom } from 'xstate';
import { Handle } from './handle.ts';
import { supervise, type Budget, type Supervisor } from './supervise.ts';

export interface Member {
  readonly role: string;
  /** Unique: `sampler-1`. */
  readonly id: string;
  readonly open: (signal: AbortSignal) => Promise<unknown>;
  /** Past its restart budget it stays failed, and the loop continues without it. */
  readonly optional?: boolean;
}

export interface SystemInput {
  readonly members: readonly Member[];
  readonly budget: Budget;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called with each restart of a member. */
  readonly restarted?: (id: string, error: Error) => void;
  /** Ends the loop after the step in hand. */
  readonly finish: () => Promise<void>;
  /** Saves everything; runs even if `finish` failed. */
  readonly save: () => Promise<void>;
}

export type SystemEvent =
  | { readonly type: 'PAUSE' }
  | { readonly type: 'RESUME' }
  | { readonly type: 'STOP' }
  | { readonly type: 'FAIL'; readonly error: unknown }
  | { readonly type: 'ADD'; readonly member: Member }
  | { readonly type: 'REMOVE'; readonly id: string }
  | { readonly type: `xstate.error.actor.${string}`; readonly error: unknown };

interface SystemContext {
  readonly input: SystemInput;
  /** The present members. */
  readonly members: readonly Member[];
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
      context.members.some(({ id, optional }) => optional === true && event.type === `xstate.error.actor.${id}`),
  },
  actions: {
    'start the members': enqueueActions(({ context, enqueue }) => {
      for (const member of context.members) enqueue.spawnChild('member', childOf(context.input, member));
    }),
    'add the member': enqueueActions(({ context, enqueue }, { member }: { member: Member }) => {
      enqueue.assign({ members: [...context.members, member] });
      enqueue.spawnChild('member', childOf(context.input, member));
    }),
    'remove the member': enqueueActions(({ context, enqueue }, { id }: { id: string }) => {
      enqueue.assign({ members: context.members.filter((member) => member.id !== id) });
      enqueue.stopChild(id);
    }),
    'keep the first error': assign({
      error: ({ context, event }) => context.error ?? ('error' in event ? event.error : undefined),
    }),
  },
}).createMachine({
  id: 'system',
  context: ({ input }) => ({ input, members: input.members, error: undefined }),
  entry: 'start the members',
  initial: 'RUNNING',
  on: {
    'xstate.error.actor.*': [{ guard: 'the loop does without it' }, { actions: 'keep the first error' }],
    ADD: { actions: { type: 'add the member', params: ({ event }) => ({ member: event.member }) } },
    REMOVE: { actions: { type: 'remove the member', params: ({ event }) => ({ id: event.id }) } },
  },
  states: {
    RUNNING: {
      initial: 'active',
      states: { active: { on: { PAUSE: 'paused' } }, paused: { on: { RESUME: 'active' } } },
      on: {
        STOP: 'STOPPING',
        FAIL: { target: 'STOPPING', actions: 'keep the first error' },
        'xstate.error.actor.*': [
          { guard: 'the loop does without it' },
          { target: 'STOPPING', actions: 'keep the first error' },
        ],
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

/** The root and a handle on each member. */
export interface StartedSystem {
  readonly system: System;
  /** In the order in which they were added. */
  readonly handles: ReadonlyMap<string, Handle<never>>;
  add(member: Member): Handle<never>;
  /** Ends a member at once; its waiting callers get a CancelledError. */
  remove(id: string): void;
}

export function startSystem(input: SystemInput, clock?: ActorOptions<typeof systemMachine>['clock']): StartedSystem {
  const system = createActor(systemMachine, { input, ...(clock ? { clock } : {}) });
  // Errors are states of the root, read from its snapshot; an observer keeps XState from rethrowing them as uncaught.
  system.subscribe({ error: () => {} });
  system.start();
  const handleOf = ({ id, role, optional = false }: Member): Handle<never> => {
    const children = system.getSnapshot().children as unknown as Record<string, ActorRefFrom<Supervisor<never>>>;
    return new Handle(role, children[id]!, optional, clock);
  };
  const handles = new Map(input.members.map((member) => [member.id, handleOf(member)]));
  return {
    system,
    handles,
    add(member) {
      system.send({ type: 'ADD', member });
      const handle = handleOf(member);
      handles.set(member.id, handle);
      return handle;
    },
    remove(id) {
      system.send({ type: 'REMOVE', id });
      handles.delete(id);
    },
  };
}

function childOf({ budget, now, restarted }: SystemInput, { id, open }: Member) {
  return { id, systemId: id, input: { open, budget, now, restarted: (error: Error) => restarted?.(id, error) } };
}
