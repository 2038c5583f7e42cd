import { beforeAll, describe, expect, it } from 'vitest';
import { uploadAll, type Engine } from '../../../src/compute/engine/engine.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import { grpo } from '../../../src/compute/objectives/grpo.ts';
import { Scorer } from '../../../src/compute/training/score.ts';
import { CROSS_ENTROPY, type TokenLoss } from '../../../src/compute/training/token-loss.ts';
import type { PassLimit } from '../../../src/compute/training/passes.ts';
import { Trainer, type TrainGroup } from '../../../src/compute/training/trainer.ts';
import { Random } from '../../../src/data/rng.ts';
import type { TensorMap } from '../../../src/protocol/tensor.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { tinyModel as model, tinyPrompt, tinyWeights } from '../../support/tiny-model.ts';

const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 1 };
const policyLoss = grpo.loss(learnSettings({ type: 'grpo' }));

let reference: Engine;
let cpu: Engine;
beforeAll(async () => {
  reference = await createEngine('reference', { threads: 1 });
  cpu = await createEngine('cpu', { threads: 1 });
});

/** Prompts and responses of different lengths, half of them with a picture. */
function groups(seed: number, count: number): TrainGroup[] {
  const random = new Random(seed, 'groups');
  return Array.from({ length: count }, (_, q) => ({
    prompt: tinyPrompt(seed + q, 3 + q, q % 2 === 0),
    responses: Array.from({ length: 2 }, () => {
      const tokens = Array.from({ length: random.int(1, 6) }, () => random.int(1, 19));
      const each = (f: () => number): number[] => tokens.map(f);
      return {
        tokens,
        values: {
          advantages: each(() => random.normal()),
          oldLogProbs: each(() => -3 + random.normal() / 4),
          refLogProbs: each(() => -3 + random.normal() / 4),
        },
      };
    }),
  }));
}

async function trained(
  engine: Engine,
  loss: TokenLoss,
  steps: number,
  pass: PassLimit = {},
  note?: (text: string) => void,
) {
  const trainer = await Trainer.create(
    { engine, model, optimizer, pass, ...(note && { note }) },
    { weights: tinyWeights(1) },
  );
  const outcomes = [];
  for (let i = 0; i < steps; i++) outcomes.push(await trainer.step(groups(i, 4), { loss, learningRate: 1e-3 }));
  const state = await trainer.state();
  trainer.release();
  return { outcomes, state };
}

function difference(a: TensorMap, b: TensorMap): number {
  return Math.max(
    ...Object.keys(a).flatMap((name) => Array.from(a[name]!.data, (value, i) => Math.abs(value - b[name]!.data[i]!))),
  );
}

/** An engine whose runs find no memory where `fails` says so; it counts runs from 1. */
function shortOfMemory(engine: Engine, fails: (run: number) => boolean): Engine {
  let runs = 0;
  return {
    name: engine.name,
    attach: (stored) => engine.attach(stored),
    upload: (tensor) => engine.upload(tensor),
    read: (tensor) => engine.read(tensor),
    [Symbol.asyncDispose]: async () => {},
    compile: async (spec) => {
      const program = await engine.compile(spec);
      const run: typeof program.run = async (feeds) => {
        if (fails(++runs)) throw new Error('BFCArena: Failed to allocate memory for requested buffer of size 9');
        return program.run(feeds);
      };
      return { name: program.name, inputs: program.inputs, outputs: program.outputs, run, dispose: async () => {} };
    },
  };
}

describe('Trainer', () => {
  it.each([CROSS_ENTROPY, policyLoss])('compiled and eager take the same steps: $name', async (loss) => {
    const [compiled, eager] = [await trained(cpu, loss, 2), await trained(reference, loss, 2)];
    compiled.outcomes.forEach((outcome, i) => {
      for (const [name, value] of Object.entries(outcome)) {
        const other = eager.outcomes[i]![name as 'loss'];
        expect(Math.abs(value - other), `${name}: ${value} and ${other}`).toBeLessThan(1e-4 * (1 + Math.abs(other)));
      }
    });
    // Adam divides by the gradient's own size, so a difference in the last bits of a tiny gradient moves a weight by up
    // to the rate.
    expect(difference(compiled.state.moments.first, eager.state.moments.first)).toBeLessThan(1e-5);
    expect(difference(compiled.state.weights, eager.state.weights)).toBeLessThan(5e-4);
  });

  it.each([{ groups: 3 }, { tokens: 100 }, { tokens: 40 }])(
    'accumulates passes of %j to the gradient of the whole',
    async (pass) => {
      const [whole, parts] = [await trained(cpu, policyLoss, 1), await trained(cpu, policyLoss, 1, pass)];
      for (const [name, value] of Object.entries(whole.outcomes[0]!)) {
        const other = parts.outcomes[0]![name as 'loss'];
        expect(Math.abs(value - other), `${name}: ${value} and ${other}`).toBeLessThan(1e-5 * (1 + Math.abs(value)));
      }
      expect(difference(whole.state.moments.first, parts.state.moments.first)).toBeLessThan(1e-6);
      const again = await trained(cpu, policyLoss, 2, pass);
      const twice = await trained(cpu, policyLoss, 2);
      expect(difference(again.state.moments.first, twice.state.moments.first)).toBeLessThan(1e-5);
    },
  );

  it('repeats itself bit for bit, also from a copy of its state', async () => {
    const straight = await trained(cpu, policyLoss, 2);
    const half = await trained(cpu, policyLoss, 1);
    const trainer = await Trainer.create({ engine: cpu, model, optimizer }, half.state);
    expect(trainer.updates).toBe(1);
    await trainer.step(groups(1, 4), { loss: policyLoss, learningRate: 1e-3 });
    expect(difference((await trainer.state()).weights, straight.state.weights)).toBe(0);
    expect(difference((await trained(cpu, policyLoss, 2)).state.weights, straight.state.weights)).toBe(0);
    trainer.release();
  });

  it('teaches the trainable set alone: the state carries nothing else, and each of its gradients is that of full training', async () => {
    const whole = tinyWeights(1);
    const isTrainable = (name: string): boolean => /layers\.1\..*_proj\.weight|visual.*qkv/.test(name);
    const part = (of: boolean): TensorMap =>
      Object.fromEntries(Object.entries(whole).filter(([name]) => isTrainable(name) === of));
    const unclipped = { ...optimizer, clipNorm: 1e9 };
    const full = await Trainer.create({ engine: cpu, model, optimizer: unclipped }, { weights: whole });
    const frozen = await uploadAll(cpu, part(false));
    const some = (size: number) =>
      Trainer.create(
        { engine: cpu, model, optimizer: unclipped, frozen, pass: { groups: size } },
        { weights: part(true) },
      );
    const trainers = [await some(4), await some(3)];
    for (const trainer of [full, ...trainers])
      await trainer.step(groups(0, 4), { loss: policyLoss, learningRate: 1e-3 });
    const expected = await full.state();
    for (const trainer of trainers) {
      const { weights, moments } = await trainer.state();
      for (const tensors of [weights, moments.first, moments.second])
        expect(Object.keys(tensors)).toEqual(Object.keys(part(true)));
      expect(difference(moments.first, expected.moments.first)).toBeLessThan(1e-6);
      expect(difference(weights, part(true))).toBeGreaterThan(1e-4);
      expect(Object.keys(trainer.residentWeights()).toSorted()).toEqual(Object.keys(whole).toSorted());
      trainer.release();
    }
    for (const [name, tensor] of Object.entries(frozen))
      expect([name, (await cpu.read(tensor)).data]).toEqual([name, whole[name]!.data]);
    full.release();
  });

  it('does not touch the tensors it was made from', async () => {
    const weights = tinyWeights(1);
    const trainer = await Trainer.create({ engine: cpu, model, optimizer }, { weights });
    await trainer.step(groups(0, 2), { loss: CROSS_ENTROPY, learningRate: 0.1 });
    expect(difference(weights, tinyWeights(1))).toBe(0);
    expect(difference(await trainer.weights(), weights)).toBeGreaterThan(0);
    trainer.release();
  });

  it.each([{ failing: 1 }, { failing: 2 }])(
    'repeats a step in passes of half the tokens where run $failing finds no memory: the state is that of such passes',
    async ({ failing }) => {
      const notes: string[] = [];
      const short = shortOfMemory(cpu, (run) => run === failing);
      const repeated = await trained(short, policyLoss, 2, { groups: 2 }, (text) => notes.push(text));
      // Two groups of a padded prompt and two padded responses each: 2 * (16 + 2 * 16) tokens.
      const smaller = await trained(cpu, policyLoss, 2, { tokens: 48 });
      expect(difference(repeated.state.weights, smaller.state.weights)).toBe(0);
      expect(repeated.outcomes).toEqual(smaller.outcomes);
      expect(notes).toEqual([
        expect.stringContaining('no memory for passes of 96 tokens: it repeats the step with at most 48'),
      ]);
    },
  );

  it('ends a step that finds no memory for a single response', async () => {
    const notes: string[] = [];
    const none = shortOfMemory(cpu, () => true);
    await expect(trained(none, policyLoss, 1, {}, (text) => notes.push(text))).rejects.toThrow('Failed to allocate');
    expect(notes).toHaveLength(3);
  });

  it('measures the distance to the log-probabilities of the sampler before the update, and leaves the weights as they are', async () => {
    const taught = groups(0, 4);
    const create = (pass: PassLimit) =>
      Trainer.create({ engine: cpu, model, optimizer, pass }, { weights: tinyWeights(1) });
    const plain = await create({});
    const running = { engine: cpu, model, weights: plain.residentWeights() };
    const asked = taught.map(({ prompt, responses }) => ({ prompt, responses: responses.map(({ tokens }) => tokens) }));
    const scored = await new Scorer({}).score(running, asked, 1);
    const options = { loss: policyLoss, learningRate: 1e-3 };
    expect(await plain.step(taught, options)).not.toHaveProperty('samplerGap');
    const shifted = (shift: (q: number, g: number, t: number) => number): TrainGroup[] =>
      taught.map(({ prompt, responses }, q) => ({
        prompt,
        responses: responses.map((response, g) => ({
          ...response,
          sampled: scored[q]![g]!.map((value, t) => value + shift(q, g, t)),
        })),
      }));
    for (const pass of [{}, { groups: 3 }, { tokens: 100 }]) {
      const [same, apart] = [await create(pass), await create(pass)];
      expect(
        (
          await same.step(
            shifted(() => 0),
            options,
          )
        ).samplerGap,
      ).toBeLessThan(1e-5);
      const outcome = await apart.step(
        shifted((q, g, t) => (q === 3 && g === 1 && t === 0 ? -2 : 0.25)),
        options,
      );
      const { tokens } = outcome;
      expect(outcome.samplerGapMax).toBeCloseTo(2, 4);
      expect(outcome.samplerGap).toBeCloseTo((2 + 0.25 * (tokens - 1)) / tokens, 4);
      expect(difference(await same.weights(), await apart.weights())).toBe(0);
      if (Object.keys(pass).length === 0) expect(difference(await same.weights(), await plain.weights())).toBe(0);
      same.release();
      apart.release();
    }
    plain.release();
  });

  it('raises the probability of what has a positive advantage and lowers the other', async () => {
    const trainer = await Trainer.create({ engine: cpu, model, optimizer }, { weights: tinyWeights(1) });
    const running = { engine: cpu, model, weights: trainer.residentWeights() };
    const prompt = tinyPrompt(3, 5, true);
    const responses = [
      [3, 4, 5],
      [6, 7, 8],
    ];
    const logProbs = async () => (await new Scorer({}).score(running, [{ prompt, responses }], 1))[0]!;
    const before = await logProbs();
    const taught = {
      prompt,
      responses: responses.map((tokens, g) => ({
        tokens,
        values: { advantages: tokens.map(() => (g === 0 ? 1 : -1)), oldLogProbs: before[g]!, refLogProbs: before[g]! },
      })),
    };
    const outcome = await trainer.step([taught], { loss: policyLoss, learningRate: 1e-2 });
    expect(outcome.ratio).toBeCloseTo(1, 4);
    expect(outcome.kl).toBeCloseTo(0, 5);
    expect(outcome.loss).toBeCloseTo(0, 4);
    const after = await logProbs();
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    expect(sum(after[0]!)).toBeGreaterThan(sum(before[0]!));
    expect(sum(after[1]!)).toBeLessThan(sum(before[1]!));
    trainer.release();
  });

  it('names what is missing or does not fit', async () => {
    const trainer = await Trainer.create({ engine: reference, model, optimizer }, { weights: tinyWeights(1) });
    const prompt = tinyPrompt(1, 3);
    await expect(
      trainer.step([{ prompt, responses: [{ tokens: [1, 2] }] }], { loss: policyLoss, learningRate: 1 }),
    ).rejects.toThrow('response 0 has 2 tokens but no advantages');
    await expect(
      trainer.step([{ prompt, responses: [{ tokens: [] }] }], { loss: policyLoss, learningRate: 1 }),
    ).rejects.toThrow('at least one response token');
    trainer.release();
  });
});
