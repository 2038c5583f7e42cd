/** An actor in full, for diagnosis: its state charts, read from the machines themselves, and its failures. */
import type { AnyMachineSnapshot, AnyStateMachine, AnyTransitionDefinition, StateNode } from 'xstate';
import type { ActorDetail } from '../src/protocol/frames.ts';

export type Chart = ActorDetail['charts'][number];

/** The active state of the machine, or how it ended; `stopped` for a missing actor. */
export function chartOf(machine: AnyStateMachine, snapshot: AnyMachineSnapshot | undefined): Chart {
  const active = snapshot?.status === 'active' ? String(snapshot.value) : (snapshot?.status ?? 'stopped');
  const nodes = Object.values(machine.states as Record<string, StateNode>);
  const transitions = nodes.flatMap((node) =>
    [...node.transitions.values()].flat().map((transition): Chart['transitions'][number] => {
      return [node.key, nameOf(transition), transition.target?.[0]?.key ?? node.key];
    }),
  );
  return { machine: machine.id, states: nodes.map(({ key }) => key), active, transitions };
}

/**
 * XState's own events have names for machines: `xstate.after.back-off.supervisor.waiting`,
 * `xstate.done.actor.0.service.opening`.
 */
function nameOf({ eventType, source }: AnyTransitionDefinition): string {
  const delay = /^xstate\.after\.(.+)$/.exec(eventType)?.[1];
  if (delay !== undefined) return `after ${delay.replace(`.${source.id}`, '')}`;
  return /^xstate\.(done|error)\./.exec(eventType)?.[1] ?? eventType;
}
