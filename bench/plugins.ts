/**
 * Measures what plug-ins cost the loop: steps a minute of one daemon without plug-ins, and with two that serve every
 * port and do nothing. They are added and removed in turns while it runs.
 */
import { fileURLToPath } from 'node:url';
import { askDaemon } from '../src/cli/control-client.ts';
import { median } from '../src/lib/median.ts';
import type { Row } from './measure.ts';
import { against, inTurns, type Seconds, type Stretch, type Turns } from './turns.ts';

/** In the order in which the loop asks rewards: the first passes, the second answers. */
const PLUGINS = ['no-reward', 'no-op'] as const;
const PATIENCE_SECONDS = 120;

interface Taken {
  readonly without: Stretch[];
  readonly plugged: Stretch[];
}

/** @param rounds of both. @param steps learner steps in each half of a round. */
export function benchPlugins(root: string, model: string, rounds: number, steps: number): Promise<Row[]> {
  const take = async (turns: Turns): Promise<Taken> => {
    const taken: Taken = { without: [], plugged: [] };
    for (let round = 0; round < rounds; round++) {
      // Alternate the order, so that each comes first equally often.
      for (const plugged of round % 2 === 0 ? [false, true] : [true, false]) {
        if (plugged) taken.plugged.push(await pluggedIn(turns, steps));
        else taken.without.push(await turns.measure(steps));
      }
    }
    return taken;
  };
  return inTurns(root, model, take, (taken, seconds) => rowsOf(taken, seconds, rounds, steps));
}

async function pluggedIn({ run, measure }: Turns, steps: number): Promise<Stretch> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  for (const name of PLUGINS) {
    const use = fileURLToPath(new URL(`./${name}.${extension}`, import.meta.url));
    await askDaemon(run, { type: 'plugin.add', use }, PATIENCE_SECONDS);
  }
  const stretch = await measure(steps);
  await expectAllRunning(run);
  for (const name of PLUGINS) await askDaemon(run, { type: 'plugin.remove', name }, PATIENCE_SECONDS);
  return stretch;
}

/** @throws Error if a port is parked or restarted: a parked port costs nothing, so the figure would be wrong. */
async function expectAllRunning(run: string): Promise<void> {
  const reply = await askDaemon(run, { type: 'plugins' }, PATIENCE_SECONDS);
  const ports = reply.type === 'plugins' ? reply.plugins.flatMap((plugin) => plugin.ports) : [];
  const out = ports.filter(
    ({ port, state, restarts }) => restarts > 0 || (state !== 'running' && port !== 'synthesize'),
  );
  if (ports.length === 0 || out.length > 0) throw new Error(`ports that do not run: ${JSON.stringify(out)}`);
}

function rowsOf({ without, plugged }: Taken, seconds: Seconds, rounds: number, steps: number): Row[] {
  const perStep = (stretches: readonly Stretch[], of: (stretch: Stretch) => number) =>
    median(stretches.map((stretch) => of(stretch) / steps));
  const [cpu, active] = [({ cpu: all }: Stretch) => all, ({ active: main }: Stretch) => main];
  const of = (name: string, stretches: readonly Stretch[]): Row[] => [
    {
      name: `loop with ${name}`,
      value: 60 / perStep(stretches, seconds),
      unit: 'steps/min',
      note: `${rounds} rounds of ${steps} steps`,
    },
    { name: 'processor time of the daemon', value: perStep(stretches, cpu), unit: 's/step' },
    { name: 'main thread of the daemon', value: perStep(stretches, active), unit: 's/step' },
  ];
  return [
    ...of('no plug-in', without),
    ...of('a no-op plug-in on every port', plugged),
    {
      name: 'steps/min relative to the loop without plug-ins',
      unit: 'x',
      target: 0.99,
      ...against(without, plugged, seconds),
    },
    {
      name: 'processor time of the loop without plug-ins relative to it',
      unit: 'x',
      ...against(without, plugged, cpu),
    },
    {
      name: 'main thread beyond that without plug-ins, share of all processor time',
      value: (100 * (perStep(plugged, active) - perStep(without, active))) / perStep(without, cpu),
      unit: '%',
      target: 1,
    },
  ];
}
