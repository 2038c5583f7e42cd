import type { JudgedGroup } from '../../src/protocol/messages.ts';

/** A kept group of one sample, told apart by its sequence number. */
export function judgedGroup(sequence: number): JudgedGroup {
  const id = `g${sequence}`;
  const question = { id: `q${sequence}`, text: '', pictures: [], origin: 'dataset' } as const;
  const sample = { tokens: [1], logprobs: [-1], text: '\\boxed{1}', finish: 'stop' } as const;
  return {
    group: { id, sequence, question, policyVersion: 0, samples: [sample] },
    verdict: {
      groupId: id,
      answers: ['1'],
      classes: [0],
      winner: 0,
      share: 1,
      rewards: [1],
      advantages: [0],
      kept: true,
    },
  };
}
