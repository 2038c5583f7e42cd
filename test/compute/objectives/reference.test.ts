import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { majorityCorrect, passAt1, passAtK } from '../../../src/learn/accuracy.ts';
import {
  clippedLoss,
  clippedLossGradient,
  importanceRatio,
  isClipped,
  k3,
  tokenLoss,
  tokenMean,
  truncatedWeight,
} from './reference/terms.ts';

// From numpy: r = exp(lp - lo); pg = -minimum(r A, clip(r, .8, 1.2) A); where(A < 0, minimum(pg, -3 A), pg); w =
// minimum(exp(lo - ls), 2).
const logp = [-0.5, -1.2, -2.0, -0.1, -3.0, -0.7];
const logpOld = [-0.9, -1.0, -0.5, -1.5, -3.1, -0.7];
const logpRef = [-0.6, -1.1, -1.5, -0.3, -2.0, -0.7];
const logpSampler = [-0.8, -2.2, -0.6, -1.4, -3.0, -0.7];
const advantage = [1.0, 0.5, -1.5, -0.8, -0.25, 0.9];
const golden = {
  ratio: [1.4918246976412703, 0.8187307530779819, 0.22313016014842982, 4.0551999668446745, 1.1051709180756477, 1.0],
  loss: [-1.2, -0.40936537653899097, 1.2, 2.4, 0.27629272951891193, -0.9],
  k3: [0.004837418035959606, 0.005170918075647624, 0.1487212707001282, 0.018730753077981888, 0.7182818284590451, 0.0],
  weight: [0.9048374180359596, 2.0, 1.1051709180756475, 0.9048374180359595, 0.9048374180359595, 1.0],
  total: [-1.0853211598395556, -0.8182136612704172, 1.34107722876079, 2.1734828785941014, 0.32182818284590453, -0.9],
  mean: 0.17214224484847054,
};
const clip = { clipRange: 0.2, dualClip: 3 };
const at = (list: readonly number[], i: number): number => list[i] ?? NaN;
const expectClose = (got: readonly number[], want: readonly number[]): void => {
  expect(got).toHaveLength(want.length);
  got.forEach((value, i) => expect(value).toBeCloseTo(at(want, i), 12));
};

describe('the objective', () => {
  it('agrees with numbers worked out in numpy', () => {
    const ratio = logp.map((lp, i) => importanceRatio(lp, at(logpOld, i)));
    expectClose(ratio, golden.ratio);
    expectClose(
      ratio.map((r, i) => clippedLoss(r, at(advantage, i), clip)),
      golden.loss,
    );
    expectClose(
      logp.map((lp, i) => k3(lp, at(logpRef, i))),
      golden.k3,
    );
    expectClose(
      logpOld.map((lo, i) => truncatedWeight(lo, at(logpSampler, i), 2)),
      golden.weight,
    );
    const total = logp.map((lp, i) =>
      tokenLoss(
        {
          logp: lp,
          logpOld: at(logpOld, i),
          logpRef: at(logpRef, i),
          logpSampler: at(logpSampler, i),
          advantage: at(advantage, i),
        },
        { ...clip, klCoefficient: 0.1, cap: 2 },
      ),
    );
    expectClose(total, golden.total);
    expect(tokenMean([total.slice(0, 1), total.slice(1)])).toBeCloseTo(golden.mean, 12);
  });

  it('has the gradient that finite differences give, away from the corners', () => {
    fc.assert(
      fc.property(fc.double({ min: -2, max: 2, noNaN: true }), fc.double({ min: -2, max: 2, noNaN: true }), (lp, a) => {
        const r = Math.exp(lp);
        fc.pre([0.8, 1.2, 3].every((corner) => Math.abs(r - corner) > 1e-3));
        const h = 1e-6;
        const slope = (clippedLoss(Math.exp(lp + h), a, clip) - clippedLoss(Math.exp(lp - h), a, clip)) / (2 * h);
        expect(clippedLossGradient(r, a, clip)).toBeCloseTo(slope, 5);
      }),
    );
  });

  it('stops teaching at the clips only', () => {
    expect([0.5, 1, 1.3, 5].map((r) => isClipped(r, 1, clip))).toEqual([false, false, true, true]);
    expect([0.5, 1, 1.3, 5].map((r) => isClipped(r, -1, clip))).toEqual([true, false, false, true]);
  });

  it('k3 is 0 at ref = pi and positive elsewhere', () => {
    expect(k3(-1, -1)).toBe(0);
    fc.assert(
      fc.property(
        fc.double({ min: -5, max: 0, noNaN: true }),
        fc.double({ min: -5, max: 0, noNaN: true }),
        (a, b) => k3(a, b) >= -1e-15,
      ),
    );
  });

  it('averages over tokens, not over responses', () => {
    expect(tokenMean([[1], [4, 4, 4]])).toBe(3.25);
    expect(tokenMean([[], []])).toBe(0);
  });
});

describe('accuracy', () => {
  const of = (bits: string): boolean[] => [...bits].map((bit) => bit === '1');

  it('pass@k is the share of k-subsets with a correct one', () => {
    // From itertools.combinations.
    expect(passAtK(of('1001000'), 3)).toBeCloseTo(0.7142857142857143, 12);
    expect(passAtK(of('1000000000'), 4)).toBeCloseTo(0.4, 12);
    expect(passAtK(of('0000'), 2)).toBe(0);
    expect(passAtK(of('0111'), 2)).toBe(1);
    expect(() => passAtK(of('01'), 3)).toThrow('k = 3');
  });

  it('pass@1 is pass@k at 1, and pass@k grows with k', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }), (correct) => {
        expect(passAtK(correct, 1)).toBeCloseTo(passAt1(correct), 12);
        for (let k = 2; k <= correct.length; k++)
          expect(passAtK(correct, k)).toBeGreaterThanOrEqual(passAtK(correct, k - 1) - 1e-12);
      }),
    );
  });

  it('maj@k asks about the winning class', () => {
    expect(majorityCorrect([0, 1, 1, -1], of('1000'))).toBe(false);
    expect(majorityCorrect([0, 1, 1, -1], of('0110'))).toBe(true);
    expect(majorityCorrect([-1, -1], of('00'))).toBe(false);
  });
});
