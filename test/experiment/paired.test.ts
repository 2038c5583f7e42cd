import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { paired } from '../../src/experiment/paired.ts';

describe('paired', () => {
  // By the printed quantiles 12.706, 4.303 and 2.776 of one, two and four degrees of freedom.
  it.each([
    [[1, 2], { mean: 1.5, low: -4.853102, high: 7.853102, p: 0.2048328 }],
    [[1, 2, 4], { mean: 2.333333, low: -1.46125, high: 6.127916, p: 0.1181 }],
    [[0.1, -0.2, 0.4, 0.3, 0.2], { mean: 0.16, low: -0.1259, high: 0.4459, p: 0.1951 }],
  ])('is Student’s test: %j', (values, expected) => {
    const test = paired(values)!;
    expect(test.mean).toBeCloseTo(expected.mean, 5);
    expect(test.low).toBeCloseTo(expected.low, 3);
    expect(test.high).toBeCloseTo(expected.high, 3);
    expect(test.p).toBeCloseTo(expected.p, 3);
  });

  it('needs two differences, and is sure of equal ones', () => {
    expect(paired([])).toBeNull();
    expect(paired([3])).toBeNull();
    expect(paired([2, 2, 2])).toEqual({ n: 3, mean: 2, low: 2, high: 2, p: 0 });
    expect(paired([0, 0])).toMatchObject({ p: 1 });
  });

  it('has an interval without 0 exactly where p is below 5 %', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(values, (differences) => {
        const { low, high, p } = paired(differences)!;
        fc.pre(Math.abs(p - 0.05) > 1e-6);
        expect(low > 0 || high < 0).toBe(p < 0.05);
      }),
    );
  });
});
