/** Drawing inside a program against the host's `TokenSampler`, which computes in float64. */
import { describe, expect, test } from 'vitest';
import { drawTokens, type TokenParams } from '../../../src/compute/programs/draw.ts';
import { TokenSampler } from '../../../src/compute/rollout/token-sampler.ts';
import { Random } from '../../../src/data/rng.ts';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { f32 } from '../../../src/protocol/tensor.ts';
import { ENGINES, run, type Tested } from './engines.ts';

const ROWS = 12;
/** How near to an edge of the distribution the two may differ: float32 sums. */
const EDGE = 1e-6;

const drawing = (vocabulary: number, params: TokenParams): ProgramSpec => ({
  name: `draw:${JSON.stringify(params)}`,
  inputs: { logits: { dtype: 'float32', shape: [ROWS, vocabulary] }, uniforms: { dtype: 'float32', shape: [ROWS] } },
  build: ({ logits, uniforms }) => ({ ...drawTokens(logits!, uniforms!, params) }),
});

async function draw(engine: Tested, logits: Float32Array, uniforms: Float32Array, params: TokenParams) {
  const vocabulary = logits.length / ROWS;
  const feeds = { logits: f32([ROWS, vocabulary], logits), uniforms: f32([ROWS], uniforms) };
  const { tokens, logprobs } = await run(engine, drawing(vocabulary, params), feeds);
  return { tokens: tokens!.data, logprobs: logprobs!.data };
}

/** Logits of `spread` either way, in steps of `grid` so that many are equal. */
function logitsOf(random: Random, vocabulary: number, spread: number, grid: number): Float32Array {
  return Float32Array.from({ length: ROWS * vocabulary }, () =>
    grid === 0 ? random.range(-spread, spread) : grid * Math.round(random.range(-spread, spread) / grid),
  );
}

/** What the host draws with uniform numbers within EDGE of this one. */
function drawnNear(sampler: TokenSampler, logits: Float32Array, offset: number, uniform: number): Map<number, number> {
  const near = [uniform - EDGE, uniform, uniform + EDGE].map((value) => Math.min(Math.max(value, 0), 1 - 2 ** -53));
  return new Map(
    near.map((value) => {
      const { token, logprob } = sampler.draw(logits, offset, value);
      return [token, logprob];
    }),
  );
}

const SETTINGS: readonly TokenParams[] = [
  { temperature: 1, topK: 0, topP: 1 },
  { temperature: 0.7, topK: 0, topP: 1 },
  { temperature: 1, topK: 7, topP: 1 },
  { temperature: 1, topK: 0, topP: 0.9 },
  { temperature: 1, topK: 0, topP: 0.999_999 },
  { temperature: 1.5, topK: 20, topP: 0.6 },
  { temperature: 0, topK: 0, topP: 1 },
];

describe.each(ENGINES)('on engine %s', (engine) => {
  test.each([
    ['of a few tokens', 24, 4, 0],
    ['with ties', 24, 2, 1],
    ['in blocks that do not divide it', 1_000, 3, 0],
    ['of which a part is sorted first', 3_000, 12, 0],
    ['of which all must be sorted', 3_000, 1, 0],
    ['of all the same', 300, 0, 1],
  ])('draws the tokens of the host from a vocabulary %s', async (_, vocabulary, spread, grid) => {
    const random = new Random(1, vocabulary, spread, grid);
    for (const params of SETTINGS) {
      const logits = logitsOf(random, vocabulary, spread, grid);
      const uniforms = Float32Array.from({ length: ROWS }, (_row, i) =>
        i === 0 ? 0 : i === 1 ? 1 - 2 ** -24 : random.float(),
      );
      const { tokens, logprobs } = await draw(engine, logits, uniforms, params);
      const sampler = new TokenSampler(vocabulary, params);
      uniforms.forEach((uniform, row) => {
        const allowed = drawnNear(sampler, logits, row * vocabulary, uniform);
        expect([...allowed.keys()]).toContain(tokens[row]);
        expect(Math.abs(logprobs[row]! - allowed.get(tokens[row]!)!)).toBeLessThan(1e-5);
      });
    }
  });

  test('draws no token that is left out, whatever the number', async () => {
    const params = { temperature: 1, topK: 3, topP: 1 };
    const random = new Random(2);
    const logits = logitsOf(random, 600, 5, 0);
    const likeliest = Array.from({ length: ROWS }, (_, row) => {
      const own = logits.subarray(row * 600, (row + 1) * 600);
      return new Set([...own.keys()].toSorted((a, b) => own[b]! - own[a]!).slice(0, 3));
    });
    for (const uniform of [0, 0.25, 0.5, 0.75, 1 - 2 ** -24]) {
      const { tokens } = await draw(engine, logits, new Float32Array(ROWS).fill(uniform), params);
      likeliest.forEach((kept, row) => expect(kept).toContain(tokens[row]));
    }
  });

  test('changes the token exactly at the edges of a distribution that float32 holds', async () => {
    const logits = new Float32Array(ROWS * 4);
    const uniforms = Float32Array.from({ length: ROWS }, (_, row) => Math.min(row * 0.125, 1 - 2 ** -24));
    const { tokens, logprobs } = await draw(engine, logits, uniforms, { temperature: 1, topK: 0, topP: 1 });
    expect([...tokens]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 3, 3]);
    for (const logprob of logprobs) expect(logprob).toBeCloseTo(Math.log(0.25), 6);
  });
});
