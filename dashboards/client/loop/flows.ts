/** Finds the flows that moved just now by comparing the counters of the newest status with the previous ones. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { connection } from '../session.ts';
import type { Live } from '../../../src/protocol/frames.ts';
import type { FlowName } from './layout.ts';

/** Milliseconds for which a flow stays lit after something moved. */
const ALIVE = 1500;

export function useFlows(): ReadonlySet<FlowName> {
  const [alive, setAlive] = useState<ReadonlySet<FlowName>>(new Set());
  const moved = useRef(new Map<FlowName, number>());
  useEffect(() => {
    let last = connection.live.get();
    const sweep = () => {
      const now = performance.now();
      const next = [...moved.current].filter(([, at]) => now - at < ALIVE).map(([name]) => name);
      setAlive((old) => (old.size === next.length && next.every((name) => old.has(name)) ? old : new Set(next)));
    };
    const stop = connection.live.subscribe(() => {
      const live = connection.live.get();
      if (live === null) return;
      if (last !== null) for (const name of movedBetween(last, live)) moved.current.set(name, performance.now());
      last = live;
      sweep();
    });
    const synthetic = connection.onUpdate(({ groups }) => {
      if (groups.some(({ question }) => question.parentId !== null)) moved.current.set('synthetic', performance.now());
    });
    const timer = setInterval(sweep, 500);
    return () => {
      stop();
      synthetic();
      clearInterval(timer);
    };
  }, []);
  return alive;
}

function movedBetween(before: Live, after: Live): readonly FlowName[] {
  const names: FlowName[] = [];
  if (after.groups.admitted > before.groups.admitted) names.push('questions');
  if (after.groups.sampled > before.groups.sampled) names.push('rollouts');
  if (checkedBy(after) > checkedBy(before)) names.push('checked');
  if (after.groups.kept > before.groups.kept) names.push('groups');
  if (after.version > before.version) names.push('versions');
  if (stateOf(after, 'guardian') === 'working') names.push('guard');
  if (stateOf(after, 'synthesizer') === 'working') names.push('parents');
  if (after.accuracy.now?.version !== before.accuracy.now?.version) names.push('evaluate');
  return names;
}

/** Responses that each check has seen, over all checks. */
function checkedBy({ groups: { checks = {} } }: Live): number {
  return Object.values(checks).reduce((sum, { held, denied, abstained }) => sum + held + denied + abstained, 0);
}

function stateOf({ actors }: Live, wanted: string): string | undefined {
  return actors.find(({ role }) => role === wanted)?.state;
}
