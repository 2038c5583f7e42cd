import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/compute/engine/engines.ts';
import type { Engine } from '../../../src/compute/engine/engine.ts';
import { grpo } from '../../../src/compute/objectives/grpo.ts';
import { CROSS_ENTROPY } from '../../../src/compute/training/token-loss.ts';
import { clippedLossGradient, importanceRatio, isClipped, k3, tokenLoss } from './reference/terms.ts';
import { f32, type HostTensor } from '../../../src/protocol/tensor.ts';
import { learnSettings } from '../../support/learn-settings.ts';

const settings = learnSettings({ type: 'grpo' });

interface Token {
  readonly logp: number;
  readonly logpOld: number;
  readonly logpRef: number;
  readonly advantage: number;
}

const logp = fc.double({ min: -4, max: -0.01, noNaN: true });
/** Away from the kinks, where a gradient and a count of clipped tokens are well defined in float32. */
const smooth = ({ logp: p, logpOld, advantage }: Token): boolean =>
  Math.abs(advantage) > 1e-3 && [0.8, 1.2, 3].every((kink) => Math.abs(importanceRatio(p, logpOld) / kink - 1) > 1e-3);

const token = fc
  .record({ logp, logpOld: logp, logpRef: logp, advantage: fc.double({ min: -2, max: 2, noNaN: true }) })
  .filter(smooth);
const tokens = fc.array(token, { minLength: 8, maxLength: 8 });

let reference: Engine;
let cpu: Engine;
beforeAll(async () => {
  reference = await createEngine('reference', { threads: 1 });
  cpu = await createEngine('cpu', { threads: 1 });
});

/** Loss, its terms, and d loss / d logp of tokens laid out in one row with a slot of padding. */
async function run(engine: Engine, row: readonly Token[]): Promise<Record<string, HostTensor>> {
  const shape = [1, row.length + 1];
  const names = ['logProbs', 'oldLogProbs', 'refLogProbs', 'advantages', 'weights'] as const;
  const program = await engine.compile({
    name: 'loss',
    inputs: Object.fromEntries(names.map((name) => [name, { dtype: 'float32', shape }])),
    build(inputs) {
      const { weights, ...values } = inputs;
      const rest = { entropy: tf.zeros(shape), weights: weights!, mask: tf.ones(shape), values };
      const terms = (logProbs: tf.Tensor) => grpo.loss(settings).build(tf, { logProbs, ...rest });
      const gradient = tf.grad((logProbs) => terms(logProbs).loss)(inputs['logProbs']!);
      return { ...terms(inputs['logProbs']!), gradient };
    },
  });
  const feed = (f: (token: Token) => number, padding: number): HostTensor => f32(shape, [...row.map(f), padding]);
  const outputs = await program.run({
    logProbs: feed((token) => token.logp, -1),
    oldLogProbs: feed((token) => token.logpOld, 0),
    refLogProbs: feed((token) => token.logpRef, 0),
    advantages: feed((token) => token.advantage, 5),
    weights: feed(() => 1 / row.length, 0),
  });
  return outputs as Record<string, HostTensor>;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('grpo', () => {
  it.each(['reference', 'cpu'] as const)(
    'is the token mean of the plain formulas, with their gradient, on %s',
    async (name) => {
      const engine = name === 'cpu' ? cpu : reference;
      await fc.assert(
        fc.asyncProperty(tokens, async (row) => {
          const outputs = await run(engine, row);
          const expected = row.map((token) =>
            tokenLoss({ ...token, logpSampler: token.logpOld }, { ...settings, cap: Infinity }),
          );
          expect(outputs['loss']!.data[0]).toBeCloseTo(mean(expected), 4);
          expect(outputs['kl']!.data[0]).toBeCloseTo(mean(row.map((token) => k3(token.logp, token.logpRef))), 4);
          expect(outputs['ratio']!.data[0]).toBeCloseTo(
            mean(row.map((token) => importanceRatio(token.logp, token.logpOld))),
            3,
          );
          expect(outputs['clipFraction']!.data[0]).toBeCloseTo(
            mean(
              row.map((token) =>
                Number(isClipped(importanceRatio(token.logp, token.logpOld), token.advantage, settings)),
              ),
            ),
            5,
          );
          row.forEach((token, t) => {
            const ratio = importanceRatio(token.logp, token.logpOld);
            const slope =
              clippedLossGradient(ratio, token.advantage, settings) +
              settings.klCoefficient * (1 - Math.exp(token.logpRef - token.logp));
            expect(outputs['gradient']!.data[t]! * row.length).toBeCloseTo(slope, 3);
          });
          expect(outputs['gradient']!.data[row.length]).toBeCloseTo(0, 10);
        }),
        { seed: 3, numRuns: 60, endOnFailure: true },
      );
    },
  );

  it('has the gradient that finite differences give', async () => {
    const row: Token[] = [
      { logp: -1, logpOld: -1.1, logpRef: -0.7, advantage: 1.5 },
      { logp: -0.5, logpOld: -1.5, logpRef: -0.6, advantage: 1 },
      { logp: -2, logpOld: -1, logpRef: -1.5, advantage: -1 },
      { logp: -0.3, logpOld: -2, logpRef: -0.4, advantage: -0.8 },
    ];
    const { gradient } = await run(reference, row);
    const h = 1e-2;
    for (let at = 0; at < row.length; at++) {
      const moved = (by: number) =>
        run(
          reference,
          row.map((token, t) => (t === at ? { ...token, logp: token.logp + by } : token)),
        );
      const slope = ((await moved(h))['loss']!.data[0]! - (await moved(-h))['loss']!.data[0]!) / (2 * h);
      expect(gradient!.data[at]).toBeCloseTo(slope, 3);
    }
  });

  it('stays finite for tokens that the policy has moved far away from', async () => {
    const { loss, gradient } = await run(cpu, [
      { logp: -0.01, logpOld: -90, logpRef: -90, advantage: -1 },
      { logp: -90, logpOld: -0.01, logpRef: -0.01, advantage: 1 },
    ]);
    expect([...loss!.data, ...gradient!.data].every(Number.isFinite)).toBe(true);
  });
});

describe('cross-entropy', () => {
  it('is the weighted sum of -log p', () => {
    void tf.setBackend('cpu');
    const [logProbs, weights] = [tf.tensor([[-1, -2, -7]]), tf.tensor([[0.5, 0.5, 0]])];
    const { loss } = CROSS_ENTROPY.build(tf, { logProbs, weights, entropy: weights, mask: weights, values: {} });
    expect(loss.dataSync()[0]).toBeCloseTo(1.5, 6);
  });
});
