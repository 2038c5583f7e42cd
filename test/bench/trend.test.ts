import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grows, trend } from '../../bench/trend.ts';
import { Random } from '../../src/data/rng.ts';

const noise = (seed: number, n: number) =>
  Array.from({ length: n }, (_, i) => new Random(seed, 'noise', i).float() - 0.5);

test('a leak of a fifth is seen under noise of a fifth, whatever the noise', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const values = noise(seed, 240).map((each, i) => 1000 + 200 * (i / 239) + 200 * each);
      const { from, to } = trend(values);
      expect(to - from).toBeGreaterThan(120);
      expect(to - from).toBeLessThan(280);
      expect(grows(trend(values), 0.1, 50)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test('noise alone, and something that falls, do not grow', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      expect(grows(trend(noise(seed, 240).map((each) => 1000 + 200 * each)), 0.1, 50)).toBe(false);
      expect(grows(trend(noise(seed, 240).map((each, i) => 1000 - i + 20 * each)), 0.1, 50)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('what a collector empties is fitted through its lowest values', () => {
  const sawtooth = Array.from({ length: 240 }, (_, i) => 100 + (i % 17) * 10);
  expect(trend(sawtooth, (window) => Math.min(...window))).toMatchObject({ from: 100, to: 100, tau: 0 });
  const leaking = sawtooth.map((value, i) => value + i / 4);
  expect(
    grows(
      trend(leaking, (window) => Math.min(...window)),
      0.1,
      20,
    ),
  ).toBe(true);
});

test('one spike, one value and none', () => {
  expect(grows(trend([...Array<number>(100).fill(5), 5000]), 0.1, 1)).toBe(false);
  expect(trend([7])).toEqual({ from: 7, to: 7, tau: 0 });
  expect(() => trend([])).toThrow('no values');
});
