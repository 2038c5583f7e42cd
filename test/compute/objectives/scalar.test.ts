import { existsSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { tokenLogProb } from '../../../src/compute/compile/operators.ts';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { advantagesOf, entropyCoefficient } from '../../../src/compute/objectives/advantages.ts';
import { aggregated, type Aggregation } from '../../../src/compute/objectives/aggregation.ts';
import { correctionSchema, importances, mismatchOf } from '../../../src/compute/objectives/correction.ts';
import { overlong } from '../../../src/compute/objectives/dapo.ts';
import { preferenceLoss } from '../../../src/compute/objectives/dpo.ts';
import { OBJECTIVES, objectiveOf, objectiveSchema } from '../../../src/compute/objectives/registry.ts';
import type { LearnSettings } from '../../../src/compute/objectives/settings.ts';
import type { TrainGroup } from '../../../src/compute/training/trainer.ts';
import { Random } from '../../../src/data/rng.ts';
import type { Finish } from '../../../src/protocol/messages.ts';
import { f32 } from '../../../src/protocol/tensor.ts';
import { judged } from '../../support/batches.ts';
import { learnSettings } from '../../support/learn-settings.ts';
import { reference as cispo } from './reference/cispo.ts';
import { lengthReward, reference as dapo } from './reference/dapo.ts';
import { pairLoss } from './reference/dpo.ts';
import { advantages as centred, reference as drGrpo } from './reference/dr-grpo.ts';
import { reference as grpo } from './reference/grpo.ts';
import { reference as gspo } from './reference/gspo.ts';
import { mean, type Options, type Reference, type Token } from './reference/reference.ts';
import { reference as sft } from './reference/sft.ts';

const [WIDTH, MAX_NEW_TOKENS] = [6, 28];
const OFF = 1e9;
/** Outputs have names of their own. */
const INPUT = 'in.';

interface Case {
  readonly reference: Reference;
  readonly low: number;
  readonly high: number;
  readonly dualClip: number;
  /** How far the policy is from where the step began, in nats a token. */
  readonly spread: number;
}

const CASES: Readonly<Record<string, Case>> = {
  grpo: { reference: grpo, low: 0.2, high: 0.2, dualClip: 3, spread: 0.6 },
  dapo: { reference: dapo, low: 0.2, high: 0.28, dualClip: OFF, spread: 0.4 },
  'dr-grpo': { reference: drGrpo, low: 0.2, high: 0.2, dualClip: OFF, spread: 0.4 },
  gspo: { reference: gspo, low: 3e-4, high: 4e-4, dualClip: OFF, spread: 1e-3 },
  cispo: { reference: cispo, low: 1, high: 4, dualClip: OFF, spread: 1.2 },
  sft: { reference: sft, low: 0.2, high: 0.2, dualClip: 3, spread: 0.4 },
};

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine('cpu', { threads: 1 });
});

function settingsOf(name: string, changes = {}): LearnSettings {
  const { dualClip = 3 } = CASES[name] ?? {};
  return learnSettings(objectiveSchema.parse({ type: name }), { dualClip, ...changes });
}

/** Four responses of 1 to WIDTH tokens; all tokens of one have its advantage. */
function draw(seed: number, spread: number): Token[][] {
  const random = new Random(seed, 'tokens');
  return Array.from({ length: 4 }, (_, i) => {
    const advantage = random.normal();
    return Array.from({ length: i === 0 ? WIDTH : random.int(1, WIDTH) }, () => {
      const logp = -0.5 - 3 * random.float();
      return { logp, logpOld: logp + spread * random.normal(), logpRef: logp + 0.3 * random.normal(), advantage };
    });
  });
}

/** Feeds of the loss as the trainer makes them, and a slot of padding that says nothing. */
async function run(settings: LearnSettings, responses: readonly (readonly Token[])[], entropies = 1) {
  const objective = objectiveOf(settings.objective);
  const loss = objective.loss(settings);
  const total = responses.flat().length;
  const bonus = settings.entropy.coefficient;
  const group = {
    prompt: { ids: [1], positions: [0, 0, 0], nextPosition: 1, images: [] },
    responses: responses.map((tokens) => ({
      tokens: tokens.map(() => 1),
      values: {
        advantages: tokens.map(({ advantage }) => advantage),
        oldLogProbs: tokens.map(({ logpOld }) => logpOld),
        refLogProbs: tokens.map(({ logpRef }) => logpRef),
        entropyCoefficient: tokens.map(() => bonus),
      },
    })),
  };
  const revised = await objective.revise?.([group], { settings } as never);
  const groups: readonly TrainGroup[] = revised?.groups ?? [group];
  const rows = groups[0]!.responses;
  const shape = [rows.length, WIDTH + 1];
  const grid = (row: (i: number) => ArrayLike<number>, padding: number) =>
    // prettier-ignore
    f32(shape, rows.flatMap((_, i) => Array.from({ length: WIDTH + 1 }, (__, t) => row(i)[t] ?? padding)));
  const tensors = {
    logProbs: grid((i) => responses[i]!.map(({ logp }) => logp), -9),
    entropy: grid((i) => responses[i]!.map(() => entropies), 5),
    weights: grid((i) => responses[i]!.map((_, t) => (rows[i]!.weights?.[t] ?? 1) / total), 0),
    mask: grid((i) => responses[i]!.map(() => 1), 0),
    ...Object.fromEntries(loss.inputs.map((name) => [name, grid((i) => rows[i]!.values![name]!, 0)])),
  };
  const feeds = Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [INPUT + name, tensor]));
  const program = await engine.compile({
    name: `scalar:${loss.name}:${shape.join('x')}`,
    inputs: Object.fromEntries(Object.keys(feeds).map((input) => [input, { dtype: 'float32', shape }])),
    build(inputs) {
      const given = Object.entries(inputs).map(([input, tensor]) => [input.slice(INPUT.length), tensor] as const);
      const { logProbs, entropy, weights, mask, ...values } = Object.fromEntries(given);
      const terms = (moved: tf.Tensor) =>
        loss.build(tf, { logProbs: moved, entropy: entropy!, weights: weights!, mask: mask!, values });
      return { ...terms(logProbs!), gradient: tf.grad((moved) => terms(moved).loss)(logProbs!) };
    },
  });
  const outputs = await program.run(feeds);
  const read = async (name: string) => Array.from((await engine.read(outputs[name]!)).data);
  return { loss: (await read('loss'))[0]!, outputs, gradient: await read('gradient'), read };
}

describe('every objective', () => {
  it('has a scalar reference and is selected by its name', () => {
    for (const { name, settings } of OBJECTIVES) {
      expect(existsSync(new URL(`./reference/${name}.ts`, import.meta.url))).toBe(true);
      expect(settings.shape.type.value).toBe(name);
      expect(objectiveOf(objectiveSchema.parse({ type: name })).name).toBe(name);
    }
  });

  it.each(Object.keys(CASES))('%s has the loss and the gradient that its equations give', async (name) => {
    const { reference, low, high, dualClip, spread } = CASES[name]!;
    const settings = settingsOf(name);
    const options: Options = {
      low,
      high,
      dualClip,
      klCoefficient: settings.klCoefficient,
      maxNewTokens: MAX_NEW_TOKENS,
    };
    for (let seed = 0; seed < 12; seed++) {
      const responses = draw(seed, spread);
      const { loss, gradient } = await run(settings, responses);
      expect(loss).toBeCloseTo(reference(responses, options, responses), 4);
      for (const [i, response] of responses.entries())
        for (const t of response.keys()) {
          const h = spread * 1e-3;
          const at = (by: number): number => {
            const moved = responses.map((tokens, j) =>
              tokens.map((token, s) => (i === j && t === s ? { ...token, logp: token.logp + by } : token)),
            );
            return reference(moved, options, responses);
          };
          const [right, left] = [(at(h) - at(0)) / h, (at(0) - at(-h)) / h];
          // At a kink the two differ, and there is no one gradient.
          if (Math.abs(right - left) < 1e-3) expect(gradient[i * (WIDTH + 1) + t]).toBeCloseTo((right + left) / 2, 3);
        }
      responses.forEach((_, i) => expect(gradient[i * (WIDTH + 1) + WIDTH]).toBeCloseTo(0, 6));
    }
  });

  it('dpo has the loss of eq. 7', () => {
    for (const [pi, ref, beta] of [
      [-3, -2.5, 0.1],
      [-1, -9, 0.5],
      [-4, -4, 2],
    ] as const) {
      const [chosen, rejected] = [
        { pi, ref },
        { pi: ref, ref: -3 },
      ];
      expect(preferenceLoss(pi - ref - (ref + 3), beta)).toBeCloseTo(pairLoss(chosen, rejected, beta), 9);
    }
  });

  it('agrees with numbers worked out apart, in Python', async () => {
    const token = (logp: number, logpOld: number, advantage: number): Token => ({
      logp,
      logpOld,
      logpRef: logp,
      advantage,
    });
    const far = [
      [token(-0.5, -0.9, 1), token(-1.2, -1, 1), token(-2, -0.5, 1)],
      [token(-0.1, -2.5, -0.8), token(-3, -3.1, -0.8)],
    ];
    const near = [
      [token(-0.5, -0.5001, 1), token(-1.2, -1.2012, 1), token(-2, -2.0006, 1)],
      [token(-0.1, -0.1009, -0.8), token(-3, -2.9996, -0.8)],
    ];
    const golden = GOLDEN as Readonly<Record<string, number>>;
    for (const name of Object.keys(golden)) {
      const { loss } = await run(settingsOf(name, { klCoefficient: 0 }), name === 'gspo' ? near : far);
      expect(loss).toBeCloseTo(golden[name]!, 5);
    }
  });
});

/** From the equations, with Python's own numbers. */
const GOLDEN = {
  dapo: 1.4761633851494775,
  'dr-grpo': 0.1332288736740605,
  gspo: -0.10009998749895821,
  cispo: -0.1755521261140963,
};

describe('what objectives share', () => {
  const responses = draw(7, 0.5);
  const tokens = responses.flat();
  const options: Options = { low: 0.2, high: 0.2, dualClip: 3, klCoefficient: 0, maxNewTokens: MAX_NEW_TOKENS };

  it('clips each side where `clip` says, and where it says nothing as before', async () => {
    const { loss } = await run(settingsOf('grpo', { klCoefficient: 0, clip: { high: 0.5 } }), responses);
    expect(loss).toBeCloseTo(grpo(responses, { ...options, high: 0.5 }, responses), 4);
    const old = await run(settingsOf('grpo', { klCoefficient: 0, clipRange: 0.4 }), responses);
    expect(old.loss).toBeCloseTo(grpo(responses, { ...options, low: 0.4, high: 0.4 }, responses), 4);
  });

  it('aggregates by the setting, and averages metrics over tokens for every aggregation', async () => {
    const own = (response: readonly Token[]): number => grpo([response], options, [response]) * response.length;
    const expected: Record<Aggregation, number> = {
      'token-mean': responses.reduce((sum, response) => sum + own(response), 0) / tokens.length,
      'sequence-mean': mean(responses.map((response) => own(response) / response.length)),
      'fixed-length': mean(responses.map((response) => own(response) / MAX_NEW_TOKENS)),
    };
    for (const [aggregation, loss] of Object.entries(expected)) {
      const result = await run(settingsOf('grpo', { klCoefficient: 0, aggregation }), responses);
      expect(result.loss).toBeCloseTo(loss, 4);
      expect((await result.read('entropy'))[0]).toBeCloseTo(1, 5);
      expect((await result.read('ratio'))[0]).toBeCloseTo(
        mean(tokens.map(({ logp, logpOld }) => Math.exp(logp - logpOld))),
        4,
      );
    }
  });

  it('gives the tokens of a mini-batch weights that add up, whatever its groups', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2, maxLength: 2 }), {
          minLength: 1,
          maxLength: 5,
        }),
        (lengths) => {
          const total = lengths.flat().reduce((sum, length) => sum + length, 0);
          fc.pre(total > 0);
          const groups = lengths.map((own) => ({
            responses: own.map((length) => ({ tokens: Array.from({ length }, () => 1) })),
          })) as unknown as TrainGroup[];
          const weight = (aggregation: Aggregation): number => {
            const all = aggregated(groups, aggregation, 28).flatMap((group) =>
              group.responses.flatMap(({ weights }) => Array.from(weights ?? [])),
            );
            return all.reduce((sum, each) => sum + each, 0) / total;
          };
          expect(weight('sequence-mean')).toBeCloseTo(1, 9);
          expect(weight('fixed-length')).toBeCloseTo(
            total / (28 * lengths.flat().filter((length) => length > 0).length),
            9,
          );
        },
      ),
      { seed: 5, numRuns: 100 },
    );
  });

  it.each(['k1', 'k2', 'k3', 'unbiased'] as const)(
    'penalises %s, with its gradient, and shows k3',
    async (klEstimator) => {
      const still = responses.map((response) => response.map((token) => ({ ...token, advantage: 0 })));
      const { loss, gradient, read } = await run(settingsOf('grpo', { klCoefficient: 0.5, klEstimator }), still);
      const d = ({ logp, logpRef }: Token): number => logpRef - logp;
      const ratio = ({ logp, logpOld }: Token): number => Math.exp(logp - logpOld);
      const k3 = (token: Token): number => Math.exp(d(token)) - d(token) - 1;
      const values = {
        k1: (t: Token) => -d(t),
        k2: (t: Token) => d(t) ** 2 / 2,
        k3,
        unbiased: (t: Token) => ratio(t) * k3(t),
      };
      const slopes = {
        k1: () => 1,
        k2: (t: Token) => -d(t),
        k3: (t: Token) => 1 - Math.exp(d(t)),
        unbiased: (t: Token) => -ratio(t) * d(t),
      };
      expect(loss).toBeCloseTo(0.5 * mean(tokens.map(values[klEstimator])), 4);
      expect((await read('kl'))[0]).toBeCloseTo(mean(tokens.map(k3)), 4);
      expect(gradient[0]).toBeCloseTo((0.5 * slopes[klEstimator](responses[0]![0]!)) / tokens.length, 4);
    },
  );

  it('takes the entropy bonus off the loss', async () => {
    const plain = await run(settingsOf('grpo'), responses, 0.7);
    const bonus = await run(settingsOf('grpo', { entropy: { coefficient: 0.2 } }), responses, 0.7);
    expect(bonus.loss).toBeCloseTo(plain.loss - 0.2 * 0.7, 4);
    // d H / d logit = -p (log p + H), here by finite differences.
    await tf.setBackend('cpu');
    const logits = [0.3, -1, 2];
    const entropy = (values: readonly number[]): number => {
      const total = values.reduce((sum, value) => sum + Math.exp(value), 0);
      return values.reduce((sum, value) => sum - (Math.exp(value) / total) * Math.log(Math.exp(value) / total), 0);
    };
    const of = (x: tf.Tensor) => tf.sum(tokenLogProb(x as tf.Tensor2D, tf.tensor1d([1], 'int32')).entropy);
    const gradient = tf
      .grad(of)(tf.tensor2d([logits]))
      .dataSync();
    logits.forEach((_, i) => {
      const moved = (by: number) => entropy(logits.map((value, j) => (i === j ? value + by : value)));
      expect(gradient[i]).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 4);
    });
  });
});

describe('the preparation', () => {
  const question = { id: 'q', origin: 'dataset', text: '', pictures: [] } as never;
  const sample = (length: number, finish: Finish = 'stop', logprob = -1) => {
    const tokens = Array.from({ length }, () => 1);
    return { tokens, logprobs: tokens.map(() => logprob), text: '', finish };
  };

  it('adapts the entropy coefficient: whole at entropy 0, nothing from the target on', () => {
    const at = (logprob: number) => [judged(question, [sample(3, 'stop', logprob)], 0, 0, () => 0)];
    expect(entropyCoefficient({ coefficient: 0.1, target: null }, at(-2))).toBe(0.1);
    expect(
      [0, -0.5, -1, -3].map((logprob) => entropyCoefficient({ coefficient: 0.1, target: 1 }, at(logprob))),
    ).toEqual([0.1, 0.05, 0, 0]);
  });

  it('keeps the advantages of the verdict unless a reward changes or nothing is normalised', () => {
    const group = judged(question, [sample(2), sample(3, 'length'), sample(2)], 0, 0, (_, i) => [1, 1, 0][i]!);
    expect(advantagesOf(group, settingsOf('grpo'), {})).toBe(group.verdict.advantages);
    expect(advantagesOf(group, settingsOf('grpo'), { normaliseStd: false })).toEqual(centred([1, 1, 0]));
    const penalised = advantagesOf(group, settingsOf('grpo', { truncated: { type: 'penalise', penalty: 1 } }), {});
    // Rewards 1, 0, 0: mean 1/3, standard deviation 1/sqrt(3).
    [2 / Math.sqrt(3), -1 / Math.sqrt(3), -1 / Math.sqrt(3)].forEach((value, i) =>
      expect(penalised[i]).toBeCloseTo(value, 5),
    );
  });

  it('takes the reward of overlong responses away as eq. 13 of DAPO has it', () => {
    for (let length = 1; length <= 24; length++)
      expect(overlong(length, 20, 0.4)).toBeCloseTo(lengthReward(length, 20, 8), 12);
    expect(overlong(20, 20, 0)).toBe(0);
  });

  it('masks a response that was cut off, and leaves its place', async () => {
    const item = { judged: judged(question, [sample(2), sample(3, 'length')], 0, 0, (_, i) => i), prompt: {} as never };
    const score = async () => [[[-1, -1], [-1, -1, -1]]]; // prettier-ignore
    const prepare = async (truncated: object) => {
      const settings = settingsOf('grpo', { truncated });
      const { groups } = await objectiveOf(settings.objective).prepare([item], {
        settings,
        parent: 0,
        policy: score,
        base: score,
        decode: () => '',
      });
      return groups[0]!.responses.map(({ tokens }) => tokens.length);
    };
    expect(await prepare({ type: 'learn' })).toEqual([2, 3]);
    expect(await prepare({ type: 'mask' })).toEqual([2, 0]);
  });

  it('corrects by token or by response, and says how far sampler and learner are apart', async () => {
    const of = (correction: object) => correctionSchema.parse(correction);
    const logs = [0.6, 3, 0.1].map(Math.log);
    const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 9) as number);
    expect(importances(logs, of({ type: 'truncated' }))).toEqual(close([0.6, 2, 0.1]));
    expect(importances(logs, of({ type: 'truncated', lower: 0.3 }))).toEqual(close([0.6, 2, 0.3]));
    expect(importances(logs, of({ type: 'masked' }))).toEqual(close([0.6, 3, 0]));
    expect(importances(logs, of({ type: 'decoupled' }))).toEqual(close([0.6, 0, 0.1]));
    expect(importances(logs, of({ type: 'truncated', level: 'sequence' }))).toEqual(close([0.18, 0.18, 0.18]));
    expect(importances(logs, of({ type: 'masked', level: 'sequence' }))).toEqual([0, 0, 0]);
    const item = { judged: judged(question, [sample(3)], 4, 0, () => 1), prompt: {} as never };
    const policy = async () => [[logs.map((log) => log - 1)]];
    const metrics = async (correction: object) => {
      const settings = settingsOf('grpo', { correction });
      return (
        await objectiveOf(settings.objective).prepare([item], {
          settings,
          parent: 4,
          policy,
          base: policy,
          decode: () => '',
        })
      ).metrics;
    };
    expect(await metrics({ type: 'masked' })).toEqual({});
    // Weights 0.6, 3, 0: 3.6^2 / (3 * 9.36).
    expect(await metrics({ type: 'masked', groups: 'all' })).toEqual({
      mismatch: expect.closeTo((-Math.log(0.6) + Math.log(3) + Math.log(10)) / 3, 9),
      effectiveSamples: expect.closeTo(12.96 / 28.08, 9),
      maskedShare: expect.closeTo(1 / 3, 9),
    });
    expect(mismatchOf([{ logRatio: 9, weight: 0 }])).toMatchObject({ effectiveSamples: 0, maskedShare: 1 });
  });
});
