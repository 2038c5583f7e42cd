import { expect, test } from 'vitest';
import { soakedHours, soakReport, type SoakSample } from '../../bench/soak-report.ts';

const MIB = 2 ** 20;
const LEVEL: SoakSample = {
  at: 0,
  launch: 0,
  version: 1,
  accuracy: 0.9,
  level: 'healthy',
  restarts: 0,
  overfull: [],
  queued: 4,
  rss: 900 * MIB,
  heap: 40 * MIB,
  external: 3 * MIB,
  resources: 10,
  lag: 0.03,
  files: 46,
  threads: 16,
  database: 8 * MIB,
  wal: 5 * MIB,
  log: 1000,
  checkpoints: 4,
};
/** A sample a minute for an hour. */
const hour = (launch: number, from: number, more: (minute: number) => Partial<SoakSample> = () => ({})): SoakSample[] =>
  Array.from({ length: 61 }, (_, minute) => ({
    ...LEVEL,
    launch,
    at: (from + minute) * 60_000,
    version: from + minute,
    ...more(minute),
  }));

test('the hours of launches add up, the time between them does not count, and each is held by itself', () => {
  const samples = [...hour(0, 0), ...hour(1, 600, () => ({ rss: 1200 * MIB }))];
  expect(soakedHours(samples)).toBeCloseTo(2);
  const { text, failures } = soakReport(samples, []);
  expect(failures).toEqual([]); // a process that begins higher than the one before it ended is no growth
  expect(text).toContain('2.00 hours in 2 launches.');
  expect(text).toContain('Launch 2: 1.00 hours, 61 samples, versions 600 to 660, 0 restarts.');
});

test('names a growing measure with its launch, and a queue past its bound', () => {
  const samples = [
    ...hour(0, 0),
    ...hour(1, 600, (minute) => ({
      rss: (900 + 5 * minute) * MIB,
      overfull: minute === 7 ? ['learner: batches'] : [],
    })),
  ];
  expect(soakReport(samples, ['the daemon ended with 1']).failures).toEqual([
    'the daemon ended with 1',
    'learner: batches is past its bound',
    'Launch 2: resident memory grows',
  ]);
});

test('a soak without samples is a failure', () => {
  expect(soakReport([], []).failures).toEqual(['nothing was sampled']);
});
