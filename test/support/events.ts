/** One event of each kind, as watchers see them. */
import type { JudgedGroup, StepMetrics } from '../../src/protocol/messages.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { response, rewardRequest } from './reward-request.ts';

export const STEP: StepMetrics = {
  loss: 0.5,
  kl: 0.25,
  entropy: 1,
  clipFraction: 0,
  ratio: 1,
  gradNorm: 2,
  learningRate: 0.125,
  tokens: 64,
  seconds: 1.5,
};

/** A judged group whose answers have one token each; kept unless all answers agree. */
export function judgedEvent(
  ...answers: (string | null)[]
): LoopEvent & { readonly type: 'judged'; readonly judged: JudgedGroup } {
  const { group, votes, ...vote } = rewardRequest(answers.map((answer) => response(answer)));
  const kept = votes.includes(0);
  const verdict = {
    groupId: group.id,
    ...vote,
    rewards: votes,
    advantages: votes,
    kept,
    ...(!kept && { dropped: 'all-agree' as const }),
  };
  return { type: 'judged', judged: { group, verdict } };
}

export function learntEvent(n: number): LoopEvent {
  return { type: 'learnt', version: { n, parent: n - 1, batchId: n, metrics: STEP } };
}

export function evaluatedEvent(version: number, greedy: number): LoopEvent {
  return {
    type: 'evaluated',
    evaluation: { version, greedy, n: 4, full: { n: 4, k: 8, greedy, pass1: 0.25, majK: 0.5, passK: 1, byKind: {} } },
  };
}
