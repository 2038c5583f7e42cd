import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { loadModelFolder, type ModelFolder } from '../../../src/compute/models/folder.ts';
import { preferenceLoss, preferenceWeight, preferred } from '../../../src/compute/objectives/dpo.ts';
import { learnBatch, type Learner } from '../../../src/compute/objectives/learn.ts';
import { openObjective } from '../../../src/compute/objectives/registry.ts';
import { encodeQuestion } from '../../../src/compute/rollout/prompts.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { Trainer } from '../../../src/compute/training/trainer.ts';
import { openFigures, TRAIN_POOL } from '../../../src/data/figures/dataset.ts';
import type { JudgedGroup, Sample } from '../../../src/protocol/messages.ts';
import { batchOf, judged } from '../../support/batches.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { writeTinyFolder } from '../../support/tiny-folder.ts';

const RESPONSES = [
  [12, 13, 14],
  [15, 16],
  [17, 18, 12, 13],
];

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

async function learner(): Promise<Learner> {
  const base = { engine, model: folder.model, weights: folder.params };
  const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1e9 };
  const trainer = await Trainer.create(
    { engine, model: folder.model, optimizer, pass: { groups: 2 } },
    { weights: folder.params },
  );
  const scorer = new Scorer({ groups: 2 });
  const model = { ...base, weights: trainer.residentWeights() };
  return { trainer, scorer, encoder: folder, model, base: async () => base };
}

/** Sum of log pi of each response of each question. */
async function totals({ model }: Pick<Learner, 'model'>, questions: number): Promise<number[][]> {
  const groups = [];
  for (let q = 0; q < questions; q++)
    groups.push({ prompt: await encodeQuestion(folder, dataset.question(q)), responses: RESPONSES });
  const scores = await new Scorer({ groups: 2 }).score(model, groups, 1);
  return scores.map((group) => group.map((logprobs) => logprobs.reduce((sum, value) => sum + value, 0)));
}

/** Groups whose rewards are given, in the order of RESPONSES. */
function groups(rewards: readonly (readonly number[])[]): JudgedGroup[] {
  return rewards.map((own, q) => {
    const samples = RESPONSES.map((tokens): Sample => ({
      tokens,
      logprobs: tokens.map(() => -3),
      refLogprobs: tokens.map(() => -3.5),
      text: '',
      finish: 'stop',
    }));
    return judged(dataset.question(q), samples, 0, q, (_, i) => own[i]!);
  });
}

describe('sft', () => {
  it('is the mean cross-entropy of the rewarded responses, and makes them likelier', async () => {
    const own = await learner();
    const before = await totals(own, 2);
    const metrics = await learnBatch(
      own,
      batchOf(
        0,
        0,
        groups([
          [1, 0, 0],
          [0, 0, 1],
        ]),
      ),
      learnSettings({ type: 'sft' }),
    );
    expect(metrics.tokens).toBe(7);
    expect(metrics.loss).toBeCloseTo(-(before[0]![0]! + before[1]![2]!) / 7, 4);
    const after = await totals(own, 2);
    expect(after[0]![0]).toBeGreaterThan(before[0]![0]!);
    expect(after[1]![2]).toBeGreaterThan(before[1]![2]!);
    own.trainer.release();
  });

  it('takes no step where nothing is rewarded', async () => {
    const own = await learner();
    const metrics = await learnBatch(own, batchOf(0, 0, groups([[0, 0, 0]])), learnSettings({ type: 'sft' }));
    expect(metrics).toMatchObject({ tokens: 0, loss: 0 });
    expect(own.trainer.updates).toBe(0);
    own.trainer.release();
  });

  it('shows the KL of the samples to the base', async () => {
    const own = await learner();
    const { kl } = await learnBatch(own, batchOf(0, 0, groups([[1, 0, 0]])), learnSettings({ type: 'sft' }));
    expect(kl).toBeCloseTo(Math.exp(-0.5) + 0.5 - 1, 6);
    own.trainer.release();
  });
});

describe('dpo', () => {
  it('starts at log 2 and widens the margin of each pair', async () => {
    const own = await learner();
    const before = await totals(own, 2);
    const batch = batchOf(
      0,
      0,
      groups([
        [1, 0, 0.5],
        [0, 0.5, 1],
      ]),
    );
    const metrics = await learnBatch(own, batch, learnSettings({ type: 'dpo', beta: 0.1, imitation: 0 }));
    expect(metrics.loss).toBeCloseTo(Math.log(2), 6);
    const after = await totals(own, 2);
    const margin = (all: number[][], q: number, chosen: number, rejected: number) =>
      all[q]![chosen]! - all[q]![rejected]!;
    expect(margin(after, 0, 0, 1)).toBeGreaterThan(margin(before, 0, 0, 1));
    expect(margin(after, 1, 2, 0)).toBeGreaterThan(margin(before, 1, 2, 0));
    own.trainer.release();
  });

  it("has the loss's own gradient: a small step changes the loss as the gradient's norm says", async () => {
    // AdamW's first step moves every weight by the rate against its gradient's sign, so only the direction is compared:
    // the loss falls to first order for several rates, and in proportion to the rate.
    const batch = batchOf(
      0,
      0,
      groups([
        [1, 0, 0.5],
        [0, 0.5, 1],
      ]),
    );
    const fall = async (rate: number): Promise<number> => {
      const own = await learner();
      await learnBatch(own, batch, { ...learnSettings({ type: 'dpo', beta: 0.5, imitation: 0 }), learningRate: rate });
      const { loss } = await learnBatch(own, batch, {
        ...learnSettings({ type: 'dpo', beta: 0.5, imitation: 0 }),
        learningRate: 0,
      });
      own.trainer.release();
      return Math.log(2) - loss;
    };
    const [small, twice] = [await fall(2e-5), await fall(4e-5)];
    expect(small).toBeGreaterThan(0);
    expect(twice / small).toBeGreaterThan(1.8);
    expect(twice / small).toBeLessThan(2.2);
  });

  it('imitates the chosen responses too, where asked to', async () => {
    const batch = batchOf(
      0,
      0,
      groups([
        [1, 0, 0.5],
        [0, 0.5, 1],
      ]),
    );
    const own = await learner();
    const before = await totals(own, 2);
    const { loss } = await learnBatch(own, batch, learnSettings({ type: 'dpo', beta: 0.1, imitation: 2 }));
    expect(loss).toBeCloseTo(Math.log(2) - 2 * ((before[0]![0]! / 3 + before[1]![2]! / 4) / 2), 4);
    const after = await totals(own, 2);
    expect(after[0]![0]).toBeGreaterThan(before[0]![0]!);
    expect(after[1]![2]).toBeGreaterThan(before[1]![2]!);
    own.trainer.release();
  });

  it("weighs a pair by its loss's derivative", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -30, max: 30, noNaN: true }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (margin, beta) => {
          const h = 1e-4;
          const slope = (preferenceLoss(margin + h, beta) - preferenceLoss(margin - h, beta)) / (2 * h);
          expect(preferenceWeight(margin, beta)).toBeCloseTo(-slope, 5);
        },
      ),
    );
  });

  it('pairs the highest reward with the lowest, and none where all are alike', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 }), (rewards) => {
        const pair = preferred({ rewards });
        expect(pair === undefined).toBe(new Set(rewards).size === 1);
        expect(rewards[pair?.chosen ?? 0]).toBe(Math.max(...rewards));
        expect(rewards[pair?.rejected ?? 0]).toBe(Math.min(...rewards));
      }),
    );
  });
});

describe('an objective from a module', () => {
  /** The examples of docs/objectives.md. */
  const page = readFileSync(new URL('../../../docs/objectives.md', import.meta.url), 'utf8');
  const [example, shared] = page
    .split('```js\n')
    .slice(1)
    .map((block) => block.split('```')[0]!.replace("from 'zod'", `from '${import.meta.resolve('zod')}'`)) as [
    string,
    string,
  ];
  const module = (file: string, options = {}) => ({ type: 'module', path: file, options }) as const;

  it('takes the place of a built-in one, with its options', async () => {
    const file = join(path, 'plain.mjs');
    writeFileSync(file, example);
    const own = await learner();
    const before = await totals(own, 1);
    const metrics = await learnBatch(
      own,
      batchOf(0, 0, groups([[1, 0, -1]])),
      learnSettings(module(file, { scale: 2 })),
    );
    expect(metrics.loss).toBeCloseTo((-2 * (before[0]![0]! - before[0]![2]!)) / 9, 4);
    const after = await totals(own, 1);
    expect(after[0]![0]! - after[0]![2]!).toBeGreaterThan(before[0]![0]! - before[0]![2]!);
    own.trainer.release();
    await expect(openObjective(module(file, { scael: 2 }))).rejects.toThrow(
      /learner.objective.options do not fit .*scael/,
    );
  });

  it('takes from quorum/objectives what objectives share: without a clip it is GRPO with a clip that never holds', async () => {
    const file = join(path, 'unclipped.mjs');
    writeFileSync(file, shared);
    const outcome = async (...settings: Parameters<typeof learnSettings>) => {
      const own = await learner();
      const { seconds: _, ...metrics } = await learnBatch(
        own,
        batchOf(0, 0, groups([[1, 0, -1]])),
        learnSettings(...settings),
      );
      const after = await totals(own, 1);
      own.trainer.release();
      return { metrics, after };
    };
    const unclipped = await outcome(module(file));
    const grpo = { type: 'grpo' } as const;
    expect(await outcome(grpo, { clip: { low: 1, high: 1e9 }, dualClip: 1e9 })).toEqual(unclipped);
    expect((await outcome(grpo)).after).not.toEqual(unclipped.after);
    expect(unclipped.metrics.kl).toBeGreaterThan(0);
  });

  it('is refused by its file and what is wrong with it', async () => {
    const file = join(path, 'none.mjs');
    await expect(openObjective(module(file))).rejects.toThrow(
      `learner.objective.path is ${file}, which failed while it was loaded`,
    );
    writeFileSync(file, 'export default { name: "x" };');
    await expect(openObjective(module(file, { again: true }))).rejects.toThrow(
      'whose default export is not an objective: settings: expected a zod schema',
    );
  });
});
