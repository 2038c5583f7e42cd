import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/data/rng.ts';

describe('Random', () => {
  it('gives the same stream for the same labels and another for others', () => {
    const draws = (...labels: [string | number, ...(string | number)[]]) => {
      const random = new Random(...labels);
      return Array.from({ length: 8 }, () => random.uint32());
    };
    expect(draws(1, 'a', 2)).toEqual(draws(1, 'a', 2));
    const streams = [draws(1, 'a', 2), draws(1, 'a', '2'), draws(1, 'a'), draws(1, 'a2'), draws(2, 'a', 2)];
    expect(new Set(streams.map(String)).size).toBe(streams.length);
  });

  it('pins the numbers, so that pictures and runs stay reproducible between releases', () => {
    const random = new Random(7, 'pinned');
    expect([random.uint32(), random.uint32(), random.uint32()]).toMatchInlineSnapshot(`
      [
        178726941,
        1588908025,
        2657459529,
      ]
    `);
  });

  it('forks by name, not by position', () => {
    const a = new Random('x');
    const b = new Random('x');
    b.float();
    expect(a.fork('child').uint32()).toBe(b.fork('child').uint32());
  });

  it('is uniform enough: mean, variance and range of floats and normals', () => {
    const random = new Random('moments');
    const n = 100_000;
    const moments = (draw: () => number) => {
      const values = Array.from({ length: n }, draw);
      const mean = values.reduce((sum, value) => sum + value, 0) / n;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
      return { mean, variance };
    };
    const uniform = moments(() => random.float());
    expect(uniform.mean).toBeCloseTo(0.5, 2);
    expect(uniform.variance).toBeCloseTo(1 / 12, 2);
    const normal = moments(() => random.normal());
    expect(Math.abs(normal.mean)).toBeLessThan(0.015);
    expect(Math.abs(normal.variance - 1)).toBeLessThan(0.02);
  });

  it('draws integers over the whole closed range', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -50, max: 50 }),
        fc.integer({ min: 0, max: 6 }),
        (seed, low, span) => {
          const random = new Random(seed);
          const seen = new Set(Array.from({ length: 400 }, () => random.int(low, low + span)));
          return seen.size === span + 1 && Math.min(...seen) === low && Math.max(...seen) === low + span;
        },
      ),
    );
  });

  it('shuffles to a permutation', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.integer()), (seed, items) => {
        const sorted = (list: number[]) => list.toSorted((a, b) => a - b);
        expect(sorted(new Random(seed).shuffle(items))).toEqual(sorted(items));
      }),
    );
  });
});
