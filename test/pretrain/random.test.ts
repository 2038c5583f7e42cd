import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/compute/engine/engines.ts';
import { loadArchitecture, loadModelFolder } from '../../src/compute/models/folder.ts';
import { loadParams } from '../../src/compute/models/weights.ts';
import { encodePrompt } from '../../src/compute/models/prompt.ts';
import { generate } from '../../src/compute/rollout/generate.ts';
import { writeRandomModel, type RandomModelRequest } from '../../src/pretrain/random/folder.ts';
import { parseModel } from '../../src/compute/models/index.ts';
import { sizeOf } from '../../src/protocol/tensor.ts';
import { RANDOM_SHAPES, randomConfig, type RandomShape } from '../../src/pretrain/random/shapes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const TINY: RandomShape = {
  vocabSize: 512,
  firstSpecialId: 300,
  hiddenSize: 32,
  intermediateSize: 48,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  mropeSection: [2, 1, 1],
  tieEmbeddings: false,
  vision: { depth: 2, hiddenSize: 32, intermediateSize: 48, heads: 2, fullAttentionBlocks: [1] },
};

async function write(request: Partial<RandomModelRequest> = {}): Promise<string> {
  const folder = join(temporaryFolder(), 'model');
  await writeRandomModel({ folder, shape: TINY, dtype: 'BF16', seed: 3, ...request });
  return folder;
}

const digests = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );

describe('a model with random weights', () => {
  it('opens, sees a picture and answers', async () => {
    const folder = await write();
    const { model, params, generationConfig, dtypes, ...encoder } = await loadModelFolder(folder);
    expect(new Set(Object.values(dtypes))).toEqual(new Set(['BF16']));
    const picture = { width: 60, height: 90, channels: 3 as const, data: new Uint8Array(60 * 90 * 3).fill(90) };
    const prompt = encodePrompt({ ...encoder, model }, { text: 'Naïve? 7+4', pictures: [picture] });
    const text = encoder.tokenizer.decode(
      [...(prompt.ids as number[])].filter((id) => id !== model.vision!.tokenId),
      { special: true },
    );
    expect(text).toBe(
      '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' +
        '<|im_start|>user\n<|vision_start|><|vision_end|>Naïve? 7+4<|im_end|>\n<|im_start|>assistant\n',
    );
    await using engine = await createEngine('cpu', { threads: 1 });
    const [group] = await generate({ engine, model, weights: params }, [{ id: 'q', prompt }], {
      params: { samples: 2, temperature: 1, topP: 1, topK: 0, maxNewTokens: 5 },
      stopTokens: new Set(generationConfig.eosTokenIds),
      seed: 1,
      version: 0,
      maxRows: 2,
    });
    const tokens = group!.flatMap((sample) => [...sample.tokens]);
    expect(tokens.length).toBeGreaterThan(2);
    expect(encoder.tokenizer.decode([...Array(TINY.vocabSize).keys()], { special: true })).toContain('<299>');
  });

  it('has the same bytes for the same seed, others for another one', async () => {
    const first = digests(await write());
    expect(digests(await write())).toEqual(first);
    const other = digests(await write({ seed: 4 }));
    expect(other).toEqual({ ...first, 'model.safetensors': other['model.safetensors'] });
    expect(other['model.safetensors']).not.toBe(first['model.safetensors']);
  });

  it('has norms of 1, biases of 0 and matrices of the family’s initializer', async () => {
    const folder = await write({ dtype: 'F32' });
    const params = await loadParams(folder, await loadArchitecture(folder));
    const values = (pattern: RegExp) =>
      Object.entries(params).flatMap(([name, { data }]) => (pattern.test(name) ? [...(data as Float32Array)] : []));
    expect(new Set(values(/norm\d?\.weight$|ln_q\.weight$/))).toEqual(new Set([1]));
    expect(new Set(values(/\.bias$/))).toEqual(new Set([0]));
    const drawn = values(/(?:proj|qkv|mlp\.\d|lm_head|embed_tokens)\.weight$/);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const std = Math.sqrt(drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length);
    expect(Math.abs(mean)).toBeLessThan(2e-4);
    expect(Math.abs(std / 0.02 - 1)).toBeLessThan(0.01);
  });

  it('is the same model in shards', async () => {
    const [whole, folder] = [await write(), await write({ shardBytes: 50_000 })];
    const shards = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards).toContain(`model-00001-of-0000${shards.length}.safetensors`);
    const model = await loadArchitecture(folder);
    expect(await loadParams(folder, model)).toEqual(await loadParams(whole, model));
  });

  it('keeps what else is in the folder', async () => {
    const folder = await write({ shardBytes: 50_000 });
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    await writeRandomModel({ folder, shape: TINY, dtype: 'BF16', seed: 3 });
    expect(readdirSync(folder).filter((name) => /safetensors|notes/.test(name))).toEqual([
      'model.safetensors',
      'notes.txt',
    ]);
  });

  it('takes a tokenizer of the family, and no other one', async () => {
    const own = await write();
    const edit = (name: string, change: (json: Record<string, unknown>) => unknown): void => {
      const file = join(own, name);
      writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)));
    };
    edit('tokenizer_config.json', (config) => ({ ...config, model_max_length: 77 }));
    const taken = await write({ tokenizer: own });
    expect(readFileSync(join(taken, 'tokenizer_config.json'), 'utf8')).toContain('"model_max_length": 77');
    await expect(write({ tokenizer: own, shape: { ...TINY, firstSpecialId: 301 } })).rejects.toThrow(
      `--tokenizer ${own}: <|endoftext|> has the id 300; the family's is 301`,
    );
    await expect(write({ tokenizer: '/nowhere' })).rejects.toThrow('--tokenizer /nowhere: tokenizer.json cannot be');
  });

  // 3B and 7B as the hub counts them (safetensors metadata); the others by their names.
  it.each([
    ['0.1b', 0.12e9, 0.01e9],
    ['0.5b', 0.58e9, 0.01e9],
    ['3b', 3_754_622_976, 0],
    ['7b', 8_292_166_656, 0],
  ] as const)('%s has about %d parameters', (size, expected, tolerance) => {
    const { parameters } = parseModel(randomConfig(RANDOM_SHAPES[size]), 'config.json');
    const count = Object.values(parameters).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    expect(Math.abs(count - expected)).toBeLessThanOrEqual(tolerance);
  });
});
