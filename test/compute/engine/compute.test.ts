import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { uploadAll, type Compute, type Engine } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { locateSafetensors } from '../../../src/compute/hf/safetensors.ts';
import { loadModelFiles } from '../../../src/compute/models/folder.ts';
import { encodePrompt } from '../../../src/compute/models/prompt.ts';
import { loadParams, locateParams } from '../../../src/compute/models/weights.ts';
import { generate, type Generated } from '../../../src/compute/rollout/generate.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { CROSS_ENTROPY } from '../../../src/compute/training/token-loss.ts';
import { Trainer } from '../../../src/compute/training/trainer.ts';
import { cacheFolder } from '../../../src/lib/cache-folder.ts';
import { packagePath } from '../../../src/lib/package-path.ts';
import type { TensorMap } from '../../../src/protocol/tensor.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const MINI = packagePath('models/mini');
const files = await loadModelFiles(MINI);
const { model } = files;
const encoder = { ...files, template: '{question}', system: undefined };
const picture = {
  width: 56,
  height: 56,
  channels: 3 as const,
  data: Uint8Array.from({ length: 3 * 56 * 56 }, (_, i) => (37 * i) % 256),
};
const prompts = [
  encodePrompt(encoder, { text: 'What is 1 + 2?', pictures: [picture] }),
  encodePrompt(encoder, { text: 'Find the length of the side that is marked x.', pictures: [] }),
];

const outer = process.env['XDG_CACHE_HOME'];
beforeEach(() => {
  process.env['XDG_CACHE_HOME'] = temporaryFolder();
});
afterEach(() => {
  process.env['XDG_CACHE_HOME'] = outer;
});

const tables = (): string => cacheFolder('kernels');

async function engineIn(compute?: Compute): Promise<Engine> {
  const engine = await createEngine('cpu', { threads: 1, ...(compute && { compute }) });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  return engine;
}

interface Sampled {
  readonly rollouts: Generated[][];
  /** Of the responses given. */
  readonly logProbs: readonly number[];
}

/** Samples both ways, and scores the responses of `of`. */
async function sampled(engine: Engine, isAttached: boolean, atOnce: boolean, of?: Generated[][]): Promise<Sampled> {
  if (isAttached) await engine.attach(await locateParams(MINI, model));
  const weights = isAttached ? {} : await uploadAll(engine, await loadParams(MINI, model));
  const running = { engine, model, weights };
  const requests = prompts.map((prompt, i) => ({ id: `q${i}`, prompt }));
  const params = { samples: 4, maxNewTokens: 16, temperature: 1, topP: 0.95, topK: 0 };
  const options = { params, stopTokens: new Set<number>(), seed: 1, version: 0, maxRows: 64, atOnce };
  const rollouts = await generate(running, requests, options);
  const groups = (of ?? rollouts).map((group, q) => ({
    prompt: prompts[q]!,
    responses: group.map(({ tokens }) => tokens),
  }));
  return { rollouts, logProbs: (await new Scorer({}).score(running, groups, 1)).flat(2) };
}

const tokensOf = ({ rollouts }: Sampled): number[] => rollouts.flat().flatMap(({ tokens }) => tokens);

/** The share of equal tokens, and the differences of log-probabilities. */
function compared(a: Sampled, b: Sampled): { readonly same: number; readonly mean: number; readonly most: number } {
  const [own, other] = [tokensOf(a), tokensOf(b)];
  const differences = a.logProbs.map((value, i) => Math.abs(value - b.logProbs[i]!));
  return {
    same: own.filter((token, i) => token === other[i]).length / own.length,
    mean: differences.reduce((sum, value) => sum + value, 0) / differences.length,
    most: Math.max(...differences),
  };
}

/** Says of every kernel of float16 that it is there: ONNX Runtime then casts for itself on the processor. */
function pretendKernels(): void {
  const [name] = readdirSync(tables());
  const file = join(tables(), name!);
  const table = Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, boolean>);
  writeFileSync(
    file,
    JSON.stringify(Object.fromEntries(table.map(([key, has]) => [key, has || /\bfloat16/.test(key)]))),
  );
}

describe('f32', () => {
  it('is the default, bit for bit, and looks up no kernel', async () => {
    const [plain, wide] = [
      await sampled(await engineIn(), true, true),
      await sampled(await engineIn('f32'), true, true),
    ];
    expect(wide).toEqual(plain);
    expect(existsSync(tables())).toBe(false);
  });
});

// Measured: f16 0.0011 and 0.027, bf16 0.0075 and 0.078 (mean and most).
describe.each([
  ['f16', { same: 0.95, mean: 0.004, most: 0.08 }],
  ['bf16', { same: 0.75, mean: 0.03, most: 0.3 }],
] as const)('%s on the processor', (compute, bounds) => {
  it.each([true, false])('gives nearly the tokens and log-probabilities of f32, weights attached: %s', async (at) => {
    const wide = await sampled(await engineIn(), at, true);
    const narrow = await sampled(await engineIn(compute), at, true, wide.rollouts);
    const { same, mean, most } = compared(narrow, wide);
    expect(same).toBeGreaterThanOrEqual(bounds.same);
    expect(mean).toBeLessThan(bounds.mean);
    expect(most).toBeLessThan(bounds.most);
    expect(mean).toBeGreaterThan(0);
    expect(readdirSync(tables())).toHaveLength(1);
  });
});

it('a second engine takes the kernels from the table of the first, and gives the same numbers', async () => {
  const first = await sampled(await engineIn('f16'), false, true);
  const [name] = readdirSync(tables());
  const table = readFileSync(join(tables(), name!), 'utf8');
  expect(await sampled(await engineIn('f16'), false, true)).toEqual(first);
  expect(readFileSync(join(tables(), name!), 'utf8')).toBe(table);
});

describe('where the provider has every kernel', () => {
  it('frozen weights stay in 16 bits, and step by step gives the tokens of one graph', async () => {
    const wide = await sampled(await engineIn(), true, true);
    await sampled(await engineIn('f16'), true, true);
    await sampled(await engineIn('f16'), true, false);
    expect(existsSync(cacheFolder('weights'))).toBe(false);
    pretendKernels();
    const [once, steps] = [
      await sampled(await engineIn('f16'), true, true, wide.rollouts),
      await sampled(await engineIn('f16'), true, false, wide.rollouts),
    ];
    const [stored] = readdirSync(cacheFolder('weights'));
    const weights = await locateSafetensors(join(cacheFolder('weights'), stored!));
    expect(Object.keys(weights).toSorted()).toEqual(Object.keys(model.parameters).toSorted());
    expect(new Set(Object.values(weights).map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    for (const narrow of [once, steps]) {
      const { same, most } = compared(narrow, wide);
      expect(same).toBeGreaterThan(0.9);
      expect(most).toBeLessThan(0.08);
    }
    expect(compared(once, steps).same).toBeGreaterThan(0.95);
  });
});

describe('a step of the learner', () => {
  async function gradients(compute?: Compute): Promise<TensorMap> {
    const optimizer = { beta1: 0, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1e9 };
    const trainer = await Trainer.create(
      { engine: await engineIn(compute), model, optimizer },
      { weights: await loadParams(MINI, model) },
    );
    const responses = [{ tokens: [10, 20, 14, 22, 9, 10, 34, 9] }, { tokens: [30, 2, 11, 5] }];
    await trainer.step([{ prompt: prompts[1]!, responses }], { loss: CROSS_ENTROPY, learningRate: 0 });
    return (await trainer.state()).moments.first; // with beta1 = 0 the gradient
  }

  /** The least cosine between the gradients of a weight. */
  function agreement(a: TensorMap, b: TensorMap): number {
    const product = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
      Array.from(x).reduce((sum, value, i) => sum + value * y[i]!, 0);
    const cosines = Object.entries(a).map(([name, { data }]) => {
      const other = b[name]!.data;
      const own = product(data, data);
      return own === 0 ? 1 : product(data, other) / Math.sqrt(own * product(other, other));
    });
    return Math.min(...cosines);
  }

  // Measured: 0.99997 and 0.9990.
  it('has nearly the gradients of f32', async () => {
    const wide = await gradients();
    for (const [compute, least] of [
      ['f16', 0.9999],
      ['bf16', 0.997],
    ] as const) {
      const narrow = await gradients(compute);
      expect({ compute, agrees: agreement(wide, narrow) > least }).toEqual({ compute, agrees: true });
      expect(narrow).not.toEqual(wide);
    }
  });
});

it('engines that compute in float32 only refuse 16 bits', async () => {
  await expect(createEngine('reference', { threads: 1, compute: 'bf16' })).rejects.toThrow(
    'engine reference computes in f32 only, not bf16: cpu and cuda can',
  );
});
