import { describe, expect, it } from 'vitest';
import { memoryOf, type MemorySettings } from '../../../src/compute/memory/estimate.ts';
import { adapterSettings } from '../../../src/compute/models/adapters.ts';
import { withNetwork, type Model } from '../../../src/compute/models/family.ts';
import { parseModel } from '../../../src/compute/models/index.ts';
import { CROSS_ENTROPY } from '../../../src/compute/training/token-loss.ts';
import { randomConfig } from '../../../src/pretrain/random/shapes.ts';
import { sizeOf } from '../../../src/protocol/tensor.ts';
import { TINY_SHAPE } from '../../support/tiny-shape.ts';

const LORA = adapterSettings.parse({ type: 'lora', rank: 4 }) as MemorySettings['adapter'];
const model = (): Promise<Model> => withNetwork(parseModel(randomConfig(TINY_SHAPE), 'config.json'));

async function memory(changes: Partial<MemorySettings> = {}) {
  const own = await model();
  const grid = [1, 8, 8] as const;
  const ids = [...Array<number>(16).fill(own.vision!.tokenId), 1, 2, 3, 4];
  const images = [{ grid, patches: new Float32Array(64 * 1_176) }];
  const { ids: positions, next } = own.positions.of(ids, images);
  return memoryOf(own, {
    adapter: LORA,
    loss: CROSS_ENTROPY,
    saving: {},
    prompt: { ids, positions, nextPosition: next, images },
    samples: 4,
    responseTokens: 12,
    groups: 8,
    pass: { groups: 2 },
    rolloutQuestions: 2,
    atOnce: true,
    ...changes,
  });
}

describe('memoryOf', () => {
  it('counts what an adapter trains, and what it leaves', async () => {
    const parameters = Object.values((await model()).parameters).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const [kv, inner] = [2 * 8, 48];
    // q, k, v, o; gate, up, down: rank times inputs and outputs of each, in both layers.
    const trained = 2 * 4 * (64 + (32 + kv) * 2 + 64 + 3 * (32 + inner));
    const found = await memory();
    expect(found.frozen).toBe(4 * (parameters + 1)); // the adapter's scale
    expect(found.trainable).toBe(4 * trained);
    const whole = await memory({ adapter: undefined });
    expect([whole.frozen, whole.trainable]).toEqual([0, 4 * parameters]);
  });

  it('counts keys and values of the rows that are decoded at once', async () => {
    const [slots, layers, kvHeads] = [20 + 12, 2, 2];
    const a = await memory();
    expect((await memory({ rolloutQuestions: 4 })).cache).toBe(2 * a.cache);
    expect(a.cache % (8 * slots * layers * kvHeads * 2 * 4)).toBe(0);
    const shared = await memory({ atOnce: false });
    expect(a.cache - shared.cache).toBe((a.cache * (6 * 20)) / (8 * slots)); // two prompts instead of eight
  });

  it('is half of the frozen weights and of the cache in 16 bits, and less of a pass', async () => {
    const [wide, narrow] = [await memory(), await memory({ compute: 'bf16' })];
    expect([narrow.frozen, narrow.cache]).toEqual([wide.frozen / 2, wide.cache / 2]);
    expect(narrow.activations).toBeLessThan(0.9 * wide.activations);
    expect([narrow.trainable, narrow.update]).toEqual([wide.trainable, wide.update]);
  });

  it('is less where blocks are computed again', async () => {
    const long = { samples: 16, responseTokens: 64 };
    const [kept, again] = [await memory(long), await memory({ ...long, saving: { recompute: true } })];
    expect(again.activations).toBeLessThan(kept.activations);
  });

  it('grows with the groups and the responses of a pass, and with its pictures where the tower is trained', async () => {
    const a = await memory();
    const [groups, samples] = [await memory({ groups: 8, pass: { groups: 4 } }), await memory({ samples: 16 })];
    expect(groups.activations / a.activations).toBeGreaterThan(1.5);
    expect(samples.activations / a.activations).toBeGreaterThan(1.5);
    expect((await memory({ adapter: undefined })).pictures).toBeGreaterThan(0);
  });

  it('counts the caches of a rollout in one program three times: as it begins, and before and after a step', async () => {
    const a = await memory();
    expect(a.sampling).toBeGreaterThan(2 * a.cache);
  });

  it('counts what the optimizer makes: weights and moments anew', async () => {
    const { update, trainable } = await memory();
    expect(update / trainable).toBeGreaterThan(3);
  });

  it('knows what a picture takes on its way through a frozen tower', async () => {
    const side = 24;
    const grid = [1, side, side] as const;
    const own = await model();
    const ids = [...Array<number>(side ** 2 / 4).fill(own.vision!.tokenId), 1, 2, 3, 4];
    const images = [{ grid, patches: new Float32Array(side ** 2 * 1_176) }];
    const { ids: positions, next } = own.positions.of(ids, images);
    const large = await memory({ prompt: { ids, positions, nextPosition: next, images } });
    // Attention of all patches to all, 2 heads, in a picture of nine times as many.
    expect(large.pictures).toBeGreaterThan(4 * 2 * side ** 4);
    expect((await memory()).pictures).toBeLessThan(large.pictures);
  });
});
