import { isPausing, type Live } from '../../../src/protocol/frames.ts';
import { useLive } from '../session.ts';
import { Badge, type Tone } from './badge.tsx';

const PHASES: Readonly<Record<Live['phase'], readonly [Tone, string]>> = {
  starting: ['info', 'Starting'],
  baseline: ['info', 'Measuring the base'],
  running: ['ok', 'Running'],
  paused: ['warn', 'Paused'],
  stopping: ['warn', 'Stopping'],
  draining: ['warn', 'Saving'],
  stopped: ['neutral', 'Stopped'],
  failed: ['bad', 'Failed'],
};

const PAUSING = ['warn', 'Pausing: the step in hand'] as const;
const RESTORING = ['info', 'Restoring'] as const;

/** The daemon's phase; without a connection it is the last known phase. */
export function PhaseBadge({
  phase,
  connected,
}: {
  readonly phase: Live['phase'] | undefined;
  readonly connected: boolean;
}) {
  const pausing = useLive(isPausing);
  const restoring = useLive((live) => live.restoring);
  if (phase === undefined) return <Badge dot>Connecting</Badge>;
  if (!connected) return <Badge dot>Not connected</Badge>;
  const [tone, text] =
    pausing === true ? PAUSING : phase === 'starting' && restoring !== undefined ? RESTORING : PHASES[phase];
  return (
    <Badge dot tone={tone}>
      {text}
    </Badge>
  );
}
