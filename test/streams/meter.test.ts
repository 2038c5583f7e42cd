import { expect, test } from 'vitest';
import { Meter, rates } from '../../streams/meter.ts';

test('a pause is separate from the time of the run, also in the figures of earlier starts, and no rate counts it', () => {
  let now = 0;
  // Stored by a Quorum that did not count pauses.
  const meter = new Meter(() => now, { seconds: 100, steps: 2 });
  const from = meter.totals();
  meter.begin('learner');
  now += 20_000;
  meter.end('learner', { tokens: 40, steps: 1 });
  meter.paused(true);
  now += 900_000;
  meter.paused(false);
  meter.begin('learner');
  now += 10_000;
  meter.end('learner', { tokens: 20, steps: 1 });
  const to = meter.totals();
  expect(to).toMatchObject({ seconds: 1030, pausedSeconds: 900, steps: 4 });
  expect(rates(to, from)).toMatchObject({ secondsPerStep: 15, stepsPerMinute: 4, learnerTokensPerSecond: 2 });
});
