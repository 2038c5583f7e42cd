import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenParams } from '../../../src/compute/programs/draw.ts';
import { TokenSampler } from '../../../src/compute/rollout/token-sampler.ts';
import { Random } from '../../../src/data/rng.ts';

const logitsArb = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 2, maxLength: 40 });
const paramsArb = fc.record({
  temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
  topK: fc.integer({ min: 0, max: 45 }),
  topP: fc.double({ min: 0.05, max: 1, noNaN: true }),
});

/** The distribution by sorting, as a textbook has it. */
function reference(logits: readonly number[], { temperature, topK, topP }: TokenParams): number[] {
  const top = Math.max(...logits);
  let weights = logits.map((logit) => Math.exp((Math.fround(logit) - top) / temperature));
  const keepFrom = (floor: number): void => {
    weights = weights.map((weight) => (weight >= floor ? weight : 0));
  };
  const descending = () => weights.toSorted((a, b) => b - a);
  if (topK > 0) keepFrom(descending()[Math.min(topK, weights.length) - 1] ?? 0);
  if (topP < 1) {
    const sorted = descending();
    const total = sorted.reduce((sum, weight) => sum + weight, 0);
    let mass = 0;
    let last = 0;
    while (last < sorted.length && (mass += sorted[last] ?? 0) < topP * total - 1e-12) last++;
    keepFrom(sorted[Math.min(last, sorted.length - 1)] ?? 0);
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

describe('TokenSampler', () => {
  it('draws from the temperature / top-k / top-p distribution and reports its log-probability', () => {
    fc.assert(
      fc.property(logitsArb, paramsArb, fc.double({ min: 0, max: 0.999, noNaN: true }), (logits, params, uniform) => {
        const expected = reference(logits, params);
        const { token, logprob } = new TokenSampler(logits.length, params).draw(Float32Array.from(logits), 0, uniform);
        expect(expected[token]).toBeGreaterThan(0);
        expect(logprob).toBeCloseTo(Math.log(expected[token] ?? 0), 6);
        const below = expected.slice(0, token).reduce((sum, p) => sum + p, 0);
        expect(uniform).toBeGreaterThanOrEqual(below - 1e-9);
        expect(uniform).toBeLessThanOrEqual(below + (expected[token] ?? 0) + 1e-9);
      }),
      { seed: 1, numRuns: 300, endOnFailure: true },
    );
  });

  it('gives each token its share of the draws', () => {
    const logits = Float32Array.from([0, 1, 2, -1]);
    const params = { temperature: 0.7, topK: 3, topP: 1 };
    const sampler = new TokenSampler(4, params);
    const counts = [0, 0, 0, 0];
    const random = new Random('share');
    for (let at = 0; at < 20_000; at++) {
      const { token } = sampler.draw(logits, 0, random.float());
      counts[token] = (counts[token] ?? 0) + 1;
    }
    reference([...logits], params).forEach((share, token) =>
      expect((counts[token] ?? 0) / 20_000).toBeCloseTo(share, 1.8),
    );
    expect(counts[3]).toBe(0);
  });

  it('is the arg max with log-probability 0 when greedy, and reads the row at its offset', () => {
    const sampler = new TokenSampler(3, { temperature: 0, topK: 0, topP: 1 });
    const logits = Float32Array.from([9, 0, 0, 1, 5, 2]);
    expect(sampler.draw(logits, 3, 0.99)).toEqual({ token: 1, logprob: 0 });
  });

  it('refuses logits that are not finite and parameters out of range', () => {
    const sampler = new TokenSampler(2, { temperature: 1, topK: 0, topP: 1 });
    expect(() => sampler.draw(Float32Array.from([NaN, NaN]), 0, 0)).toThrow(/not finite/);
    expect(() => sampler.draw(Float32Array.from([1, NaN]), 0, 0)).toThrow(/not finite/);
    expect(() => new TokenSampler(2, { temperature: -1, topK: 0, topP: 1 })).toThrow(/temperature/);
    expect(() => new TokenSampler(2, { temperature: 1, topK: 0, topP: 0 })).toThrow(/topP/);
    expect(() => new TokenSampler(2, { temperature: 1, topK: 1.5, topP: 1 })).toThrow(/topK/);
  });
});
