/**
 * The state machine of one actor: it opens its port (a plug-in's implementation of a role) and then handles one item at
 * a time. Items never pass through here; `handle.ts` runs them and reports only that work started, ended or failed. A
 * failure puts the machine in error; the supervisor handles it.
 */
import { assign, fromPromise, setup } from 'xstate';

export interface ServiceInput<P> {
  /** Makes the port ready; runs again at each restart. */
  readonly open: (signal: AbortSignal) => Promise<P>;
  readonly now: () => number;
}

export interface ServiceContext<P> {
  readonly input: ServiceInput<P>;
  readonly port: P | undefined;
  /** What the actor does or waits for, as text. */
  readonly doing: string;
  /** Milliseconds since 1970 at which `doing` began. */
  readonly since: number;
}

export type ServiceEvent =
  | { readonly type: 'BEGIN'; readonly doing: string }
  | { readonly type: 'END' }
  | { readonly type: 'WAIT'; readonly doing: string }
  | { readonly type: 'FAIL'; readonly error: Error };

export function serviceMachine<P>() {
  return setup({
    types: {
      context: {} as ServiceContext<P>,
      events: {} as ServiceEvent,
      input: {} as ServiceInput<P>,
      tags: {} as 'busy' | 'ready',
    },
    actors: {
      open: fromPromise<P, ServiceInput<P>>(({ input, signal }) => input.open(signal)),
    },
    actions: {
      'say what it does': assign(({ context }, params: { doing: string }) => ({
        doing: params.doing,
        since: context.input.now(),
      })),
      'hand the failure to the supervisor': (_, params: { error: Error }) => {
        throw params.error;
      },
    },
  }).createMachine({
    id: 'service',
    context: ({ input }) => ({ input, port: undefined, doing: 'opening', since: input.now() }),
    initial: 'opening',
    states: {
      opening: {
        tags: 'busy',
        invoke: {
          src: 'open',
          input: ({ context }) => context.input,
          onDone: {
            target: 'idle',
            actions: [
              assign({ port: ({ event }) => event.output }),
              { type: 'say what it does', params: { doing: 'waiting for work' } },
            ],
          },
        },
      },
      idle: {
        tags: 'ready',
        on: {
          BEGIN: {
            target: 'working',
            actions: { type: 'say what it does', params: ({ event }) => ({ doing: event.doing }) },
          },
          WAIT: { actions: { type: 'say what it does', params: ({ event }) => ({ doing: event.doing }) } },
        },
      },
      working: {
        tags: 'busy',
        on: {
          END: { target: 'idle', actions: { type: 'say what it does', params: { doing: 'waiting for work' } } },
          FAIL: {
            actions: { type: 'hand the failure to the supervisor', params: ({ event }) => ({ error: event.error }) },
          },
        },
      },
    },
  });
}

export type ServiceMachine<P> = ReturnType<typeof serviceMachine<P>>;
