import { extractAnswer } from '../../src/learn/answer.ts';
import { majorityVote } from '../../src/learn/vote.ts';
import type { Sample } from '../../src/protocol/messages.ts';
import type { RewardRequest } from '../../src/protocol/ports.ts';

/** A response that boxes `answer` (null: no box), with `tokens` tokens of log-probability `logprob` each. */
export function response(answer: string | null, tokens = 1, logprob = -1): Sample {
  const text = answer === null ? 'I do not know' : `\\boxed{${answer}}`;
  return {
    tokens: Array.from({ length: tokens }, () => 1),
    logprobs: Array.from({ length: tokens }, () => logprob),
    text,
    finish: 'stop',
  };
}

/** A group after the vote; equal texts are one answer class. */
export function rewardRequest(samples: readonly Sample[], questionId = 'q'): RewardRequest {
  const answers = samples.map(({ text }) => extractAnswer(text));
  const seen = [...new Set(answers.filter((answer) => answer !== null))];
  const classes = answers.map((answer) => (answer === null ? -1 : seen.indexOf(answer)));
  const { winner, share, rewards: votes } = majorityVote(classes);
  const question = { id: questionId, text: 'How many?', pictures: [], origin: 'dataset' } as const;
  return {
    group: { id: 'g', sequence: 0, question, policyVersion: 0, samples },
    answers,
    classes,
    winner,
    share,
    votes,
  };
}
