import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sumsByIndex } from '../../../src/compute/compile/gradients/shape.ts';
import { peakBytes } from '../../../src/compute/compile/liveness.ts';
import { trace } from '../../../src/compute/compile/trace.ts';
import type { Engine, ProgramSpec } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { grpo } from '../../../src/compute/objectives/grpo.ts';
import { planPolicy } from '../../../src/compute/programs/policy-forward.ts';
import type { Saving } from '../../../src/compute/training/loss-gradients.ts';
import { gradProgram } from '../../../src/compute/training/step.ts';
import { CROSS_ENTROPY, type TokenLoss } from '../../../src/compute/training/token-loss.ts';
import { Trainer, type TrainGroup } from '../../../src/compute/training/trainer.ts';
import { Random } from '../../../src/data/rng.ts';
import { f32, i32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { tinyModel as model, tinyPrompt, tinyWeights } from '../../support/tiny-model.ts';

// With beta1 = 0 the first moment is the gradient.
const optimizer = { beta1: 0, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, clipNorm: 1e9 };
const bonus = grpo.loss(learnSettings({ type: 'grpo' }, { entropy: { coefficient: 0.01 } }));
/** Of 12 rows: the batch has 64. */
const LOGITS = 12 * model.dimensions.vocabSize;

let engines: Record<'cpu' | 'reference', Engine>;
beforeAll(async () => {
  engines = {
    cpu: await createEngine('cpu', { threads: 1 }),
    reference: await createEngine('reference', { threads: 1 }),
  };
});
afterAll(async () => {
  for (const engine of Object.values(engines)) await engine[Symbol.asyncDispose]();
});

const groups: TrainGroup[] = Array.from({ length: 2 }, (_, q) => {
  const random = new Random(q, 'saving');
  return {
    prompt: tinyPrompt(q, 4 + q, q === 0),
    responses: Array.from({ length: 2 }, () => {
      const tokens = Array.from({ length: random.int(3, 9) }, () => random.int(1, 19));
      const each = (f: () => number): number[] => tokens.map(f);
      return {
        tokens,
        values: {
          advantages: each(() => random.normal()),
          oldLogProbs: each(() => -3 + random.normal() / 4),
          refLogProbs: each(() => -3 + random.normal() / 4),
          entropyCoefficient: each(() => 0.01),
        },
      };
    }),
  };
});

async function step(name: 'cpu' | 'reference', loss: TokenLoss, saving: Saving = {}) {
  const trainer = await Trainer.create(
    { engine: engines[name], model, optimizer, saving },
    { weights: tinyWeights(1) },
  );
  const outcome = await trainer.step(groups, { loss, learningRate: 1e-3 });
  const { moments } = await trainer.state();
  trainer.release();
  return { outcome, gradients: moments.first };
}

it.each([
  ['cpu', CROSS_ENTROPY, [{ recompute: true, logits: LOGITS }]],
  ['cpu', bonus, [{ logits: LOGITS }, { recompute: true }]],
  ['reference', bonus, [{ recompute: true, logits: LOGITS }]],
] as const)(
  'on %s, a step that saves memory has the gradients and metrics of a plain step',
  async (name, loss, savings) => {
    const plain = await step(name, loss);
    for (const saving of savings) {
      const saved = await step(name, loss, saving);
      for (const [metric, value] of Object.entries(plain.outcome))
        expect(Math.abs(saved.outcome[metric as 'loss'] - value), `of ${metric}`).toBeLessThan(
          1e-6 * (1 + Math.abs(value)),
        );
      for (const [weight, { data }] of Object.entries(plain.gradients)) {
        const other = saved.gradients[weight]!.data;
        const worst = Math.max(...Array.from(data, (value, i) => Math.abs(value - other[i]!) / (1 + Math.abs(value))));
        expect(worst, `of ${weight}`).toBeLessThan(1e-6);
      }
    }
  },
);

describe('the graph', () => {
  const long = [Array.from({ length: 2 }, () => Array.from({ length: 60 }, (_, i) => 1 + (i % 18)))];
  const { shape } = planPolicy(model, [tinyPrompt(1, 8)], long);
  const sets = { frozen: {}, trainable: model.parameters };
  const graphOf = (saving: Saving) => trace(gradProgram(model, sets, shape, bonus, saving));
  const plain = graphOf({});
  const count = (graph: typeof plain, ops: readonly string[]): number =>
    graph.nodes.filter(({ op }) => ops.includes(op)).length;

  it('with recomputation holds the blocks twice, which merging does not undo, and less at once', () => {
    const again = graphOf({ recompute: true });
    const { layers } = model.dimensions;
    // Norms and silu appear in the forward pass only: two and one a block.
    expect(count(plain, ['SimplifiedLayerNormalization'])).toBe(2 * layers + 1);
    expect(count(again, ['SimplifiedLayerNormalization'])).toBe(4 * layers + 1);
    expect(count(again, ['Softmax'])).toBe(2 * count(plain, ['Softmax']));
    expect(again.nodes.length).toBeLessThan(1.8 * plain.nodes.length);
    expect(peakBytes(again)).toBeLessThan(0.8 * peakBytes(plain));
  });

  it('with a bound on logits has no value of the vocabulary for all rows', () => {
    const rows = shape.prompts * shape.samples * shape.responseLength;
    const { vocabSize } = model.dimensions;
    const heights = (graph: typeof plain): Set<number> =>
      new Set(
        graph.nodes
          .flatMap(({ types }) => types.map((type) => type.shape))
          .filter((each) => each.length === 2 && each[1] === vocabSize)
          .map(([height]) => height!),
      );
    const chunked = graphOf({ logits: 20 * vocabSize });
    expect(heights(plain)).toContain(rows);
    expect(heights(chunked)).not.toContain(rows);
    expect(count(chunked, ['LogSoftmax'])).toBe(2 * Math.ceil(rows / 20));
    expect(count(plain, ['LogSoftmax'])).toBe(1);
  });
});

it('adds up rows by index in chunks as at once', async () => {
  const spec = (most?: number): ProgramSpec => ({
    name: `sums:${most}`,
    inputs: { rows: { dtype: 'float32', shape: [7, 3] }, ids: { dtype: 'int32', shape: [7] } },
    build: ({ rows, ids }) => ({ sums: sumsByIndex(ids!, 4, rows!, most) }),
  });
  const feeds = {
    rows: f32(
      [7, 3],
      Float32Array.from({ length: 21 }, (_, i) => i),
    ),
    ids: i32([7], [3, 0, 3, 2, 0, 0, 2]),
  };
  const sums = async (most?: number) =>
    ((await (await engines.cpu.compile(spec(most))).run(feeds))['sums'] as HostTensor).data;
  // Row 0 is the sum of rows 1, 4 and 5.
  expect((await sums()).slice(0, 3)).toEqual(Float32Array.of(30, 33, 36));
  expect(await sums(8)).toEqual(await sums());
});
