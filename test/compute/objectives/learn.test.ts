import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { PromptImage } from '../../../src/compute/models/family.ts';
import { loadModelFolder, type ModelFolder } from '../../../src/compute/models/folder.ts';
import { encodeTogether, learnBatch, type Learner } from '../../../src/compute/objectives/learn.ts';
import type { LearnSettings } from '../../../src/compute/objectives/settings.ts';
import { encodeQuestion } from '../../../src/compute/rollout/prompts.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { Trainer } from '../../../src/compute/training/trainer.ts';
import { openFigures, TRAIN_POOL } from '../../../src/data/figures/dataset.ts';
import { k3, tokenLoss } from './reference/terms.ts';
import type { JudgedGroup, Sample } from '../../../src/protocol/messages.ts';
import { batchOf, judged } from '../../support/batches.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { writeTinyFolder } from '../../support/tiny-folder.ts';

const settings = learnSettings({ type: 'grpo' });

let path: string;
let engine: Engine;
let folder: ModelFolder;
beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'quorum-'));
  await writeTinyFolder(path, 1);
  folder = await loadModelFolder(path);
  engine = await createEngine('cpu', { threads: 1 });
});
afterAll(() => rm(path, { recursive: true, force: true }));

const { dataset } = openFigures(TRAIN_POOL);
const model = () => ({ engine, model: folder.model, weights: folder.params });

async function learner(): Promise<Learner> {
  const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };
  const trainer = await Trainer.create(
    { engine, model: folder.model, optimizer, pass: { groups: 2 } },
    { weights: folder.params },
  );
  return {
    trainer,
    scorer: new Scorer({ groups: 2 }),
    encoder: folder,
    model: { ...model(), weights: trainer.residentWeights() },
    base: async () => model(),
  };
}

/** Samples whose sampler differed from the present weights by `shift` per token, up or down by turns. */
async function group(q: number, policyVersion: number, shift: number, reference = true): Promise<JudgedGroup> {
  const question = dataset.question(q);
  const responses = [
    [12, 13, 14 + q],
    [15, 16],
  ];
  const [scored] = await new Scorer({}).score(
    model(),
    [{ prompt: await encodeQuestion(folder, question), responses }],
    1,
  );
  const samples = responses.map((tokens, g): Sample => {
    const logprobs = scored![g]!.map((value, t) => value + (t % 2 === 0 ? shift : -shift));
    return {
      tokens,
      logprobs,
      text: '',
      finish: 'stop',
      ...(reference && { refLogprobs: scored![g]!.map((value) => value - 0.3) }),
    };
  });
  return judged(question, samples, policyVersion, q, (_, i) => (i === 0 ? 1 : -0.5));
}

/** What learn/objective.ts says the step's loss is before the weights move: pi is the present policy. */
function expectedLoss(groups: readonly JudgedGroup[], parent: number, shiftOfStale: number, cap: number): number {
  const losses = groups.flatMap(({ group: { samples, policyVersion }, verdict }) =>
    samples.flatMap(({ logprobs, refLogprobs }, i) =>
      logprobs.map((logpSampler, t) => {
        const shift = policyVersion < parent ? shiftOfStale : 0;
        const logp = logpSampler - (t % 2 === 0 ? shift : -shift);
        const logpOld = policyVersion < parent ? logp : logpSampler;
        return tokenLoss(
          { logp, logpOld, logpSampler, logpRef: refLogprobs![t]!, advantage: verdict.advantages[i]! },
          { ...settings, cap },
        );
      }),
    ),
  );
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

describe('learnBatch', () => {
  it('weighs stale tokens by the truncated ratio to the policy the batch starts from, and clips around that policy', async () => {
    const groups = [await group(0, 2, 0.9), await group(1, 3, 0), await group(2, 1, 0.9)];
    const metrics = await learnBatch(
      await learner(),
      batchOf(7, 3, groups),
      learnSettings({ type: 'grpo' }, { correction: { type: 'truncated', cap: 2 } }),
    );
    expect(metrics.loss).toBeCloseTo(expectedLoss(groups, 3, 0.9, 2), 4);
    expect(metrics.ratio).toBeCloseTo(1, 4);
    expect(metrics.kl).toBeCloseTo(k3(0, -0.3), 4);
    expect(metrics.clipFraction).toBe(0);
    expect(metrics.tokens).toBe(15);
  });

  it('measures the distance to the sampler over the first mini-batch, not for a loss at another temperature', async () => {
    const groups = [await group(0, 3, 0.25), await group(1, 3, 0.25), await group(2, 3, 2), await group(3, 3, 2)];
    const of = async (settings: LearnSettings) => learnBatch(await learner(), batchOf(7, 3, groups), settings);
    const grpo = learnSettings({ type: 'grpo' }, { minibatches: 2 });
    const metrics = await of(grpo);
    expect(metrics.samplerGap).toBeCloseTo(0.25, 4);
    expect(metrics.samplerGapMax).toBeCloseTo(0.25, 4);
    expect((await of({ ...grpo, minibatches: 1 })).samplerGapMax).toBeCloseTo(2, 4);
    expect((await of(learnSettings({ type: 'sft' }, { minibatches: 2 }))).samplerGap).toBeCloseTo(0.25, 4);
    expect(await of({ ...learnSettings({ type: 'sft' }), temperature: 0.7 })).not.toHaveProperty('samplerGap');
  });

  it('clips around the sampler itself without a correction', async () => {
    const groups = [await group(0, 2, 0.9), await group(1, 2, 0.9)];
    const metrics = await learnBatch(await learner(), batchOf(7, 3, groups), settings);
    expect(metrics.clipFraction).toBeGreaterThan(0);
    expect(metrics.ratio).not.toBeCloseTo(1, 1);
  });

  it('scores what no sampler scored under the base', async () => {
    const groups = [await group(0, 0, 0, false), await group(1, 0, 0, true)];
    const metrics = await learnBatch(await learner(), batchOf(0, 0, groups), settings);
    // The first group's reference is the base, which is the policy itself: no distance.
    expect(metrics.kl).toBeCloseTo(k3(0, -0.3) / 2, 4);
  });

  it('learns with the settings that the batch brings', async () => {
    const groups = [await group(0, 0, 0), await group(1, 0, 0)];
    const configured = await learner();
    const same = await learnBatch(
      configured,
      { ...batchOf(0, 0, groups), settings: { learningRate: 1e-3, temperature: 1 } },
      settings,
    );
    const plain = await learnBatch(await learner(), batchOf(0, 0, groups), settings);
    expect({ ...same, seconds: 0 }).toEqual({ ...plain, seconds: 0 });
    const other = await learnBatch(
      await learner(),
      { ...batchOf(0, 0, groups), settings: { learningRate: 2e-3, temperature: 0.5 } },
      settings,
    );
    expect(other.learningRate).toBe(2e-3);
    expect(other.entropy).toBeLessThan(plain.entropy);
  });

  it('makes one update a mini-batch, at the rate of its step', async () => {
    const groups = await Promise.all([0, 1, 2, 3].map((q) => group(q, 0, 0)));
    const two = await learner();
    const metrics = await learnBatch(two, batchOf(5, 5, groups), {
      ...settings,
      minibatches: 2,
      schedule: { type: 'linear', totalSteps: 10, floorShare: 0 },
    });
    expect(two.trainer.updates).toBe(2);
    expect(metrics.learningRate).toBeCloseTo(5e-4, 10);
    const few = await learner();
    await learnBatch(few, batchOf(5, 5, groups.slice(0, 1)), { ...settings, minibatches: 4 });
    expect(few.trainer.updates).toBe(1);
  });
});

it('threads embed the pictures of their own questions before those of others, which are then in files', async () => {
  const questions = [0, 7, 14, 21, 28].map((at) => dataset.question(at));
  const alone = await encodeTogether({ encoder: folder }, questions);
  const order: string[] = [];
  const encoder = {
    ...folder,
    embed: async (images: readonly PromptImage[]) => {
      order.push(String(alone.findIndex(({ images: [own] }) => isDeepStrictEqual(own, images[0]))));
      return images;
    },
  };
  const ranks = {
    rank: 1,
    count: 2,
    progress: () => {},
    sum: () => {},
    gather: <T>(value: T) => {
      order.push('all have come as far');
      return [value, value];
    },
  };
  expect(await encodeTogether({ encoder, ranks }, questions)).toEqual(alone);
  expect(order).toEqual(['1', '3', 'all have come as far', '0', '2', '4']);
});
