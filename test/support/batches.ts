/** Batches for a learner from what a policy sampled: advantages by a rule of the test's own. */
import type { Batch, JudgedGroup, Question, Sample } from '../../src/protocol/messages.ts';

export function judged(
  question: Question,
  samples: readonly Sample[],
  policyVersion: number,
  sequence: number,
  advantage: (sample: Sample, i: number) => number,
): JudgedGroup {
  const id = `g${sequence}`;
  const advantages = samples.map(advantage);
  return {
    group: { id, sequence, question, policyVersion, samples },
    verdict: {
      groupId: id,
      answers: samples.map(() => null),
      classes: samples.map(() => -1),
      winner: -1,
      share: 0,
      rewards: advantages,
      advantages,
      kept: true,
    },
  };
}

export function batchOf(id: number, parent: number, groups: readonly JudgedGroup[]): Batch {
  return { id, parent, groups };
}
