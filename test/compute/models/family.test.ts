/**
 * A family is a folder and a line: the threads' own code opens, samples, teaches and saves a model of a family that
 * only this test knows.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { writeSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { loadModelFolder } from '../../../src/compute/models/folder.ts';
import { parseModel, registerFamily } from '../../../src/compute/models/index.ts';
import { encodePrompt } from '../../../src/compute/models/prompt.ts';
import { DeviceDecoding } from '../../../src/compute/rollout/device-decoding.ts';
import { HostDecoding } from '../../../src/compute/rollout/host-decoding.ts';
import { LearnerWorker } from '../../../src/compute/threads/learner-worker.ts';
import { RolloutWorker } from '../../../src/compute/threads/rollout-worker.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { choosePreset } from '../../../src/config/preset.ts';
import { initialWeights } from '../../../src/pretrain/initialize.ts';
import { writeMini } from '../../../src/pretrain/mini.ts';
import type { SampleReply } from '../../../src/protocol/ports.ts';
import type { LearnResult, OpenReply, TaskFlags } from '../../../src/protocol/worker.ts';
import { batchOf, judged } from '../../support/batches.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/tiny-folder.ts';
import { plain } from './plain/family.ts';

const RAW = {
  model_type: 'plain',
  layers: 2,
  width: 16,
  heads: 2,
  head_size: 12,
  vocab_size: 112,
  context: 64,
  eos_token_id: 2,
};
const PICTURE = { width: 8, height: 8, channels: 3, data: new Uint8Array(192) } as const;
const questions = ['2 + 3', '7 + 1 = ?'].map(
  (text, i) => ({ id: `q${i}`, text, pictures: [], origin: 'dataset' }) as const,
);
const params = { samples: 3, temperature: 1, topP: 1, topK: 0, maxNewTokens: 6 };

let folder: TemporaryFolder;
beforeAll(async () => {
  registerFamily(plain);
  folder = await temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  await writeMini(folder.path);
  await rm(at('preprocessor_config.json'));
  await writeFile(at('config.json'), JSON.stringify(RAW));
  await writeSafetensors(at('model.safetensors'), initialWeights(parseModel(RAW, 'plain').parameters, 1));
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('a family of its own', () => {
  test('samples, learns, saves and opens again, with nothing else that knows it', { timeout: 120_000 }, async () => {
    const setup = { baseFolder: folder.path, engine: 'cpu', threads: 1, maxRows: 8, pass: { groups: 2 } } as const;
    const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
    const sampler = await RolloutWorker.start({ ...setup, role: 'rollout' });
    const learner = await LearnerWorker.start({
      ...setup,
      role: 'learner',
      optimizer,
      learn: learnSettings({ type: 'grpo' }),
    });
    const flags: TaskFlags = new Int32Array(new SharedArrayBuffer(16));
    const { base, state } = (await learner.answer({ type: 'open' }, flags)) as OpenReply;
    const request = { questions, params, seed: 1, version: 0, reference: true } as const;
    const { groups } = (await sampler.answer(
      { type: 'sample', request, weights: state.weights, base },
      flags,
    )) as SampleReply;
    expect(groups.map((group) => group.length)).toEqual([3, 3]);
    // Decoding step by step and the shared-prefix forward say the same.
    for (const { logprobs, refLogprobs } of groups.flat())
      logprobs.forEach((value, t) => expect(refLogprobs![t]).toBeCloseTo(value, 4));

    const batch = batchOf(
      0,
      0,
      groups.map((group, q) => judged(questions[q]!, group, 0, q, (_, i) => i - 1)),
    );
    const learnt = (await learner.answer({ type: 'learn', batch, state, base, id: 'next' }, flags)) as LearnResult;
    expect(learnt.metrics.gradNorm).toBeGreaterThan(0);
    const saved = join(folder.path, 'version-1');
    await learner.answer({ type: 'save', folder: saved, version: 1, state: learnt.state }, flags);
    const again = await loadModelFolder(saved);
    expect(again.model.raw).toEqual({ ...RAW, torch_dtype: 'float32' });
    const before = (await loadModelFolder(folder.path)).params;
    for (const [name, { data }] of Object.entries(again.params))
      expect(data.some((value, i) => value !== before[name]!.data[i])).toBe(true);
  });

  test('decodes on a device as it does in host memory', async () => {
    const { model, params: weights, ...encoder } = await loadModelFolder(folder.path);
    await using engine = await createEngine('cpu', { threads: 1 });
    const prompts = [encodePrompt({ model, ...encoder }, questions[0]!)];
    const request = { prompts, promptLength: 32, samples: 2, newTokens: 4 };
    const logits = await Promise.all(
      [DeviceDecoding, HostDecoding].map(async (way) => {
        const { decoding, lengths, nextPositions } = await way.begin({ engine, model, weights }, request);
        const both = (value: number): Int32Array => Int32Array.of(value, value);
        const rows = {
          tokens: Int32Array.of(5, 6),
          positions: both(nextPositions[0]!),
          lengths: both(lengths[0]!),
          order: Int32Array.of(0, 1),
        };
        return decoding.step(rows);
      }),
    );
    logits[0]!.forEach((value, i) => expect(value).toBeCloseTo(logits[1]![i]!, 4));
    const responses = [[5, 6, 7]];
    const [scored] = await new Scorer({}).score({ engine, model, weights }, [{ prompt: prompts[0]!, responses }], 1);
    expect(scored![0]!.every((value) => value < 0)).toBe(true);
  });

  test('takes no picture where it has no vision, and is known to the presets', async () => {
    const encoder = await loadModelFolder(folder.path);
    const refused = () => encodePrompt(encoder, { text: 'x', pictures: [PICTURE] });
    expect(refused).toThrow(
      'a question has a picture, but a model of type "plain" takes none: ask without pictures, or use another model',
    );
    expect(choosePreset({ folder: folder.path }).why).toContain("the model's context of 64 tokens");
  });

  test('an unknown model_type names the known ones', () => {
    const known = 'c.json: model_type is "llava"; name the folder of a model of a known type: "qwen2_5_vl", "plain"';
    expect(() => parseModel({ model_type: 'llava' }, 'c.json')).toThrow(known);
    expect(() => parseModel({}, 'c.json')).toThrow(
      'c.json: model_type is missing; name the folder of a model of a known type',
    );
  });
});

describe('the first family', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const textOf = (file: string): string => readFileSync(join('src', file), 'utf8');

  test('is named by its own folder, the registry, and what makes such models', () => {
    const others = files.filter(
      (file) => !file.startsWith(join('compute/models/qwen2_5_vl/')) && textOf(file).includes('qwen2_5_vl'),
    );
    expect(others.toSorted()).toEqual([
      'compute/models/index.ts',
      'pretrain/mini.ts',
      'pretrain/random/shapes.ts',
      'pretrain/widen.ts',
    ]);
  });

  test('multiplies no rows by weights itself: its linear layers go through linear(), which adapters build on', () => {
    const own = files.filter((file) => file.startsWith(join('compute/models/qwen2_5_vl/')));
    expect(own.filter((file) => /matMul|\.dot\(|conv\dd/.test(textOf(file)))).toEqual([]);
    expect(own.filter((file) => textOf(file).includes('linear(')).length).toBeGreaterThan(0);
  });
});
