import { expect, test } from 'vitest';
import { checkLive, LIVE_PATHS, liveBounds, liveValues } from '../../src/config/live.ts';
import { configSchema } from '../../src/config/schema.ts';

test('bounds are the schema’s own, and the defaults are within them', () => {
  expect(liveBounds().map(({ path, min, above, max, integer }) => [path, min, above, max, integer])).toEqual([
    ['sampling.temperature', 0.01, false, 10, false],
    ['sampling.samples', 2, false, 1024, true],
    ['learner.learningRate', 0, true, 1, false],
    ['loop.maxStaleness', 0, false, 64, true],
  ]);
  const values = liveValues(configSchema.parse({}));
  for (const path of LIVE_PATHS) expect(checkLive(path, values[path])).toBe(path);
});

test('what the schema would refuse is refused', () => {
  for (const [path, value] of [
    ['sampling.temperature', 0],
    ['sampling.samples', 1],
    ['learner.learningRate', Number.POSITIVE_INFINITY],
    ['loop.maxStaleness', 0.5],
    ['loop.batchGroups', 4],
    ['__proto__', 1],
  ] as const) {
    expect(() => checkLive(path, value)).toThrow(
      expect.objectContaining({ name: 'InputError', message: expect.stringContaining(path) }),
    );
  }
});
