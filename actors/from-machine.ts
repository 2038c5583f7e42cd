/**
 * 'quorum/xstate': a plug-in that brings its own XState machine. Quorum's actor stays around it, with its deadline and
 * its supervisor.
 */
import {
  createActor,
  toPromise,
  type AnyActorLogic,
  type AnyStateMachine,
  type InputFrom,
  type OutputFrom,
} from 'xstate';
import { CancelledError } from '../src/protocol/errors.ts';
import type { LoopEvent, Watch } from '../src/protocol/ports.ts';

/**
 * Each request starts a new machine with the request as its input; its output is the reply. Cancelling the request
 * stops it.
 */
export function fromMachine<Logic extends AnyActorLogic>(
  logic: Logic,
): (request: InputFrom<Logic>, signal: AbortSignal) => Promise<OutputFrom<Logic>> {
  return async (request, signal) => {
    if (signal.aborted) throw new CancelledError('cancelled before it began');
    const actor = createActor(logic, { input: request });
    const stop = (): void => void actor.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      const output = toPromise(actor);
      actor.start();
      const reply = (await output) as OutputFrom<Logic>;
      if (signal.aborted) throw new CancelledError('the machine was stopped');
      return reply;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
}

/**
 * A watcher: one machine for the lifetime of the port, which gets each event of the loop. When the machine fails or
 * ends, the watcher fails and is restarted with a new machine.
 * @param signal of the port's context.
 */
export function machineWatcher<Machine extends AnyStateMachine>(
  machine: Machine,
  { signal }: { readonly signal: AbortSignal },
  input?: InputFrom<Machine>,
): Watch {
  const actor = createActor(machine as AnyStateMachine, { input });
  // An observer keeps XState from rethrowing errors as uncaught; they are thrown at the next event.
  actor.subscribe({ error: () => {} });
  actor.start();
  signal.addEventListener('abort', () => actor.stop(), { once: true });
  const check = (): void => {
    const { status, error } = actor.getSnapshot();
    if (status === 'error') throw error;
    if (status === 'done') throw new Error('the machine has reached its final state and no longer watches');
  };
  return (event: LoopEvent) => {
    check();
    actor.send(event);
    check();
  };
}
