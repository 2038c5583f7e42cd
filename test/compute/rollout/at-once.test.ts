import { afterAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { RunningModel } from '../../../src/compute/rollout/decoding.ts';
import {
  generate,
  type Generated,
  type GenerateOptions,
  type PromptRequest,
} from '../../../src/compute/rollout/generate.ts';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { withNetwork, type Model } from '../../../src/compute/models/family.ts';
import { parseModel } from '../../../src/compute/models/index.ts';
import { initialWeights } from '../../../src/pretrain/initialize.ts';
import { f32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { tinyPrompt, tinyRawConfig } from '../../support/tiny-model.ts';
import { plain } from '../models/plain/family.ts';

const [engine, reference] = (await Promise.all(
  (['cpu', 'reference'] as const).map((name) => createEngine(name, { threads: 1 })),
)) as [Engine, Engine];
afterAll(() => Promise.all([engine, reference].map((each) => each[Symbol.asyncDispose]())));

/** Random weights with a head so large that distributions differ from uniform. */
function randomly(model: Model, head: string, seed: number): RunningModel {
  const weights = initialWeights(model.parameters, seed);
  const { shape, data } = weights[head]!;
  return {
    engine,
    model,
    weights: {
      ...weights,
      [head]: f32(
        shape,
        Float32Array.from(data, (value) => 25 * value),
      ),
    },
  };
}

/** A small model; it knows the pictures of `tinyPrompt`. */
async function small(changes: Partial<typeof tinyRawConfig>, seed: number): Promise<RunningModel> {
  const vision_config = { ...tinyRawConfig.vision_config, out_hidden_size: changes.hidden_size ?? 16 };
  const model = await withNetwork(parseModel({ ...tinyRawConfig, ...changes, vision_config }, 'small'));
  return randomly(model, 'model.embed_tokens.weight', seed);
}

const tiny = await small({}, 1);

/** Prompts of 3 to 9 tokens, every second one with a picture. */
const requests = (count: number): PromptRequest[] =>
  Array.from({ length: count }, (_, q) => ({ id: `q${q}`, prompt: tinyPrompt(q, 3 + ((3 * q) % 7), q % 2 === 1) }));

const options: GenerateOptions = {
  params: { samples: 6, temperature: 1, topP: 1, topK: 0, maxNewTokens: 14 },
  stopTokens: new Set([1, 2, 3]),
  seed: 9,
  version: 4,
  maxRows: 64,
};

const tokens = (count: number): number[] => Array.from({ length: count }, (_, token) => token);

/**
 * Both ways give the same tokens for these seeds: no uniform number lies within 1e-6 of an edge, where they may differ
 * (../programs/draw.test.ts).
 */
async function expectSame(
  running: RunningModel,
  asked: readonly PromptRequest[],
  settings: GenerateOptions,
): Promise<Generated[][]> {
  const expected = await generate(running, asked, { ...settings, atOnce: false });
  expectClose(await generate(running, asked, { ...settings, atOnce: true }), expected);
  return expected;
}

function expectClose(actual: Generated[][], expected: Generated[][]): void {
  const kept = (groups: Generated[][]) =>
    groups.map((group) => group.map(({ tokens: own, finish }) => ({ own, finish })));
  expect(kept(actual)).toEqual(kept(expected));
  const logprobs = (groups: Generated[][]): number[] => groups.flat().flatMap((sample) => sample.logprobs);
  const got = logprobs(actual);
  logprobs(expected).forEach((logprob, i) => expect(Math.abs(got[i]! - logprob)).toBeLessThan(1e-5));
}

describe('a rollout as one graph', () => {
  it.each([
    ['all tokens', {}],
    ['a low temperature', { temperature: 0.6 }],
    ['a high temperature', { temperature: 3 }],
    ['top-k', { topK: 3 }],
    ['top-p', { topP: 0.7 }],
    ['temperature, top-k and top-p', { temperature: 1.3, topK: 9, topP: 0.8 }],
    ['the likeliest', { temperature: 0, samples: 2 }],
    ['one token each', { maxNewTokens: 1 }],
  ])('gives the tokens and log-probabilities of decoding step by step: %s', async (_, params) => {
    await expectSame(tiny, requests(5), { ...options, params: { ...options.params, ...params } });
  });

  it.each([
    [
      'one key for all queries',
      {
        hidden_size: 32,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        rope_scaling: { type: 'mrope', mrope_section: [4, 2, 2] },
      },
    ],
    ['a key for every query, one layer', { num_hidden_layers: 1, num_key_value_heads: 4 }],
    [
      'three keys for six queries',
      { hidden_size: 24, num_attention_heads: 6, num_key_value_heads: 3, num_hidden_layers: 3 },
    ],
  ])('does so for a model with %s', async (_, changes) => {
    for (const seed of [3, 4]) await expectSame(await small(changes, seed), requests(4), { ...options, seed });
  });

  it('does so for a model of another family, with learned positions', async () => {
    const raw = { layers: 2, width: 16, heads: 2, head_size: 12, vocab_size: 24, context: 32 };
    const model = await withNetwork(plain.parse(raw, 'plain'));
    const asked = [3, 8, 5].map((length, q) => {
      const { ids } = tinyPrompt(q, length);
      return { id: `q${q}`, prompt: { ids, positions: tokens(length), nextPosition: length, images: [] } };
    });
    await expectSame(randomly(model, 'head.weight', 5), asked, options);
  });

  it('ends when every row has, be it at the first token, or at the limit', async () => {
    for (const stopTokens of [tokens(24), tokens(12), []]) {
      const groups = await expectSame(tiny, requests(3), { ...options, stopTokens: new Set(stopTokens) });
      const lengths = groups.flat().map((sample) => sample.tokens.length);
      expect(Math.max(...lengths) === 1).toBe(stopTokens.length === 24);
      expect(Math.min(...lengths) === options.params.maxNewTokens).toBe(stopTokens.length === 0);
    }
  });

  it('is the same on an engine that runs the loop in JavaScript', async () => {
    const asked = requests(2);
    const once = { ...options, params: { ...options.params, samples: 2 }, atOnce: true };
    const expected = await generate(tiny, asked, once);
    expectClose(await generate({ ...tiny, engine: reference }, asked, once), expected);
  });

  it('is cancelled between two chunks', async () => {
    let asked = 0;
    const cancelled = (): boolean => ++asked > 2;
    const chunked = { ...options, atOnce: true, maxRows: 6, cancelled };
    await expect(generate(tiny, requests(4), chunked)).rejects.toMatchObject({ name: 'CancelledError' });
    expect(asked).toBe(3);
  });

  it('says that the output of a model is not finite', async () => {
    const name = 'model.norm.weight';
    const { shape, data } = tiny.weights[name] as HostTensor;
    const broken = {
      ...tiny,
      weights: {
        ...tiny.weights,
        [name]: f32(shape, new Float32Array(data.length).fill(NaN)),
      },
    };
    for (const temperature of [0, 1]) {
      const params = { ...options.params, temperature };
      await expect(generate(broken, requests(1), { ...options, params, atOnce: true })).rejects.toThrow(
        "the model's output is not finite",
      );
    }
  });
});
