/**
 * Seeded runs as the monitor sees them: healthy ones move and scatter as the measured runs of the bundled model do
 * (docs/guardian.md).
 */
import { Random } from '../../src/data/rng.ts';
import type { Reading } from '../../src/guardian/monitor.ts';
import type { Signal, Signals } from '../../src/guardian/signals.ts';

/** From, to, steps after which two thirds of the way are gone, and standard deviation of a step. */
const HEALTHY: Readonly<
  Record<
    Exclude<
      Signal,
      | 'shareRate'
      | 'erosion'
      | 'canaryAccuracy'
      | 'canaryTokens'
      | 'recent'
      | 'recentSureOf'
      | 'kept'
      | 'faded'
      | 'fading'
      | 'unsound'
      | 'winnersLost'
      | 'sureOf'
      | 'baseSureOf'
    >,
    readonly [number, number, number, number]
  >
> = {
  voteShare: [0.62, 0.94, 12, 0.02],
  concentration: [0.1, 0.1, 1, 0.015],
  unanswered: [0.02, 0.003, 10, 0.002],
  spread: [0.17, 0.03, 12, 0.01],
  responseTokens: [8.5, 13, 8, 0.8],
  entropy: [0.24, 0.125, 8, 0.015],
  kl: [0, 0.08, 40, 0.015],
  clipFraction: [0.003, 0.0005, 5, 0.0005],
  agreement: [0.985, 0.985, 1, 0.012],
  origin: [0.99, 0.97, 30, 0.015],
  consistency: [0.65, 0.95, 10, 0.03],
};
const OF_PROBES: readonly string[] = ['agreement', 'origin', 'consistency', 'faded'];
const PROBE_EVERY = 5;

/** `bend` changes what a healthy step would have shown. */
export function trace(
  seed: number,
  steps: number,
  bend: (signals: Record<string, number>, step: number) => void = () => {},
): readonly Reading[] {
  return Array.from({ length: steps }, (_, i): Reading => {
    const step = i + 1;
    const random = new Random(seed, 'trace', step);
    const values: Record<string, number> = Object.fromEntries(
      Object.entries(HEALTHY).map(([name, [from, to, pace, scatter]]) => [
        name,
        Math.max(0, to + (from - to) * Math.exp(-step / pace) + scatter * random.normal()),
      ]),
    );
    bend(values, step);
    const split = (ofProbes: boolean): Signals =>
      Object.fromEntries(Object.entries(values).filter(([name]) => OF_PROBES.includes(name) === ofProbes));
    return { version: step, signals: split(false), ...(step % PROBE_EVERY === 0 ? { probe: split(true) } : {}) };
  });
}
