import { describe, expect, it } from 'vitest';
import type { Begun, DecodeRows } from '../../../src/compute/rollout/decoding.ts';
import { DeviceDecoding } from '../../../src/compute/rollout/device-decoding.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { HostDecoding } from '../../../src/compute/rollout/host-decoding.ts';
import { Random } from '../../../src/data/rng.ts';
import { tinyModel as model, tinyPrompt, tinyWeights } from '../../support/tiny-model.ts';

const SAMPLES = 3;
const prompts = [tinyPrompt(1, 4, true), tinyPrompt(2, 7), tinyPrompt(3, 3)];
const request = { prompts, promptLength: 16, samples: SAMPLES, newTokens: 6 };

/**
 * The same tokens to every way of decoding: five steps, with rows dropped after the second and the fourth. Logits of
 * each step.
 */
async function steps({ decoding, logits, lengths, nextPositions }: Begun): Promise<Float32Array[]> {
  const random = new Random(1, 'tokens');
  const all = [logits];
  const each = (values: readonly number[]): Int32Array =>
    Int32Array.from({ length: prompts.length * SAMPLES }, (_, row) => values[Math.floor(row / SAMPLES)]!);
  let rows: DecodeRows = {
    order: Int32Array.from({ length: 9 }, (_, row) => row),
    tokens: new Int32Array(9),
    positions: each(nextPositions),
    lengths: each(lengths),
  };
  for (const kept of [undefined, undefined, [0, 2, 4, 7, 8], undefined, [1, 3, 4]]) {
    if (kept) {
      await decoding.keep(Int32Array.from(kept));
      const select = (values: Int32Array): Int32Array => Int32Array.from(kept, (row) => values[row]!);
      rows = {
        order: select(rows.order),
        tokens: select(rows.tokens),
        positions: select(rows.positions),
        lengths: select(rows.lengths),
      };
    }
    expect(decoding.rows).toBe(rows.order.length);
    for (let row = 0; row < rows.order.length; row++) rows.tokens[row] = random.int(1, 19);
    all.push((await decoding.step(rows)).slice());
    rows = {
      ...rows,
      positions: rows.positions.map((position) => position + 1),
      lengths: rows.lengths.map((length) => length + 1),
    };
  }
  decoding.release();
  return all;
}

describe('decoding', () => {
  it('gives the same logits with caches on the device and in host memory, as rows come and go', async () => {
    await using cpu = await createEngine('cpu', { threads: 1 });
    await using reference = await createEngine('reference', { threads: 1 });
    const on = async (engine: typeof cpu, way: typeof HostDecoding | typeof DeviceDecoding) =>
      steps(await way.begin({ engine, model, weights: tinyWeights(1) }, request));
    const expected = await on(reference, HostDecoding);
    for (const other of [
      await on(cpu, HostDecoding),
      await on(cpu, DeviceDecoding),
      await on(reference, DeviceDecoding),
    ]) {
      other.forEach((logits, step) => {
        expect(logits).toHaveLength(expected[step]!.length);
        logits.forEach((logit, at) => expect(Math.abs(logit - expected[step]![at]!)).toBeLessThan(1e-3));
      });
    }
  });
});
