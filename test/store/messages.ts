/** Small, valid messages for the store's tests. */
import type { JudgedGroup, Question, RolloutGroup, Sample, StepMetrics, Verdict } from '../../src/protocol/messages.ts';

export function question(id: string): Question {
  return {
    id,
    text: `How many discs are in picture ${id}?`,
    pictures: [{ type: 'figure', key: `train/${id}` }],
    origin: 'dataset',
    kind: 'count',
  };
}

export function sample(seed: number): Sample {
  const tokens = Array.from({ length: 3 + (seed % 5) }, (_, t) => (seed * 31 + t * 7) % 97);
  return {
    tokens,
    logprobs: tokens.map((token) => -Math.log(2 + token)),
    refLogprobs: tokens.map((token) => Math.fround(-Math.log(3 + token))),
    text: `${seed}=\\boxed{${seed % 3}}`,
    finish: seed % 4 === 0 ? 'length' : 'stop',
  };
}

export function group(sequence: number, policyVersion = 0): RolloutGroup {
  const samples = [0, 1, 2].map((i) => sample(sequence * 3 + i));
  return { id: `g${sequence}`, sequence, question: question(`q${sequence % 10}`), policyVersion, samples };
}

export function verdict(sequence: number, kept = true): Verdict {
  return {
    groupId: `g${sequence}`,
    answers: ['1', null, '1'],
    classes: [0, -1, 0],
    winner: 0,
    share: 2 / 3,
    rewards: [1, 0, 1],
    advantages: [Math.SQRT1_2, -Math.SQRT2, Math.SQRT1_2],
    kept,
    ...(!kept && { dropped: 'all-agree' as const }),
  };
}

export function judged(sequence: number, policyVersion = 0): JudgedGroup {
  return { group: group(sequence, policyVersion), verdict: verdict(sequence) };
}

export const metrics: StepMetrics = {
  loss: 0.1,
  kl: 0.01,
  entropy: 0.5,
  clipFraction: 0,
  ratio: 1,
  gradNorm: 0.7,
  learningRate: 5e-5,
  tokens: 100,
  seconds: 1.5,
};
