import { expect, test } from 'vitest';
import type { ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { FORBIDDEN, type Dimensions } from '../../../src/compute/models/family.ts';
import { causalAttention } from '../../../src/compute/programs/forward.ts';
import { pick } from '../../../src/compute/models/tensors.ts';
import { Random } from '../../../src/data/rng.ts';
import { f32 } from '../../../src/protocol/tensor.ts';
import { run } from './engines.ts';

const [HEADS, KV_HEADS, SIZE] = [2, 1, 4];
const dimensions = { heads: HEADS, kvHeads: KV_HEADS, headDim: SIZE } as Dimensions;

/** Attention of one token and one head to the tokens up to it that the mask allows, in float64. */
function oneToken(q: Float32Array, k: Float32Array, v: Float32Array, mask: Float32Array, token: number, head: number) {
  const query = q.subarray((token * HEADS + head) * SIZE, (token * HEADS + head + 1) * SIZE);
  const scores = Array.from({ length: token + 1 }, (_, key) =>
    query.reduce((sum, x, i) => sum + x * k[key * SIZE + i]!, mask[key]!),
  );
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return Array.from({ length: SIZE }, (_, i) =>
    weights.reduce((mean, w, key) => mean + (w / sum) * v[key * SIZE + i]!, 0),
  );
}

test.each([1_024, 1_025, 2_100])(
  'a text of %i tokens attends as it would without chunks of queries',
  async (length) => {
    const random = new Random(length, 'attention');
    const drawn = (size: number): Float32Array => Float32Array.from({ length: size }, () => 2 * random.float() - 1);
    const [q, k, v] = [drawn(length * HEADS * SIZE), drawn(length * SIZE), drawn(length * SIZE)] as const;
    const padding = 7;
    const mask = Float32Array.from({ length }, (_, key) => (key < padding ? FORBIDDEN : 0));
    const spec: ProgramSpec = {
      name: `attention:${length}`,
      inputs: {
        q: { dtype: 'float32', shape: [length, HEADS * SIZE] },
        k: { dtype: 'float32', shape: [length, SIZE] },
        v: { dtype: 'float32', shape: [length, SIZE] },
        mask: { dtype: 'float32', shape: [1, 1, 1, length] },
      },
      build: (inputs) => ({
        out: causalAttention(
          dimensions,
          1,
          pick(inputs, 'mask'),
          pick(inputs, 'q'),
          pick(inputs, 'k'),
          pick(inputs, 'v'),
        ),
      }),
    };
    const { out } = await run('cpu', spec, {
      q: f32([length, HEADS * SIZE], q),
      k: f32([length, SIZE], k),
      v: f32([length, SIZE], v),
      mask: f32([1, 1, 1, length], mask),
    });
    for (const token of [padding, 500, 1_023, 1_024, 1_030, 2_047, 2_048, length - 1].filter((at) => at < length))
      for (let head = 0; head < HEADS; head++) {
        const found = out!.data.subarray((token * HEADS + head) * SIZE, (token * HEADS + head + 1) * SIZE);
        oneToken(q, k, v, mask, token, head).forEach((value, i) => expect(found[i]).toBeCloseTo(value, 5));
      }
  },
);
