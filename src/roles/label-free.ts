/**
 * What held-out questions show without their labels: whether the answers are still those of earlier versions, and how
 * far responses agree.
 */
import { extractAnswer } from '../learn/answer.ts';
import type { Classifier } from '../learn/judge.ts';
import { majorityVote } from '../learn/vote.ts';
import { mean } from '../lib/mean.ts';
import type { LabelFree, Sample } from '../protocol/messages.ts';

/** Greedy answers by question id; null where the response holds none. */
export type Answers = ReadonlyMap<string, string | null>;

export interface EarlierAnswers {
  readonly base: Answers | undefined;
  readonly trusted: { readonly version: number; readonly answers: Answers } | undefined;
}

/**
 * How many of the questions are asked for samples, and for how many: what that takes is what the greedy answers to 200
 * questions take.
 */
export const SAMPLED_QUESTIONS = 50;
export const SAMPLES = 4;

export interface Responses {
  readonly answers: Answers;
  /** Of the questions that were asked for several. */
  readonly samples: readonly (readonly Sample[])[];
}

/** Undefined where no question could be asked. */
export async function labelFree(
  { answers, samples }: Responses,
  earlier: EarlierAnswers,
  grader: Classifier,
): Promise<LabelFree | undefined> {
  if (answers.size === 0) return undefined;
  const { base, trusted } = earlier;
  const all = samples.flat();
  const tokens = all.reduce((sum, sample) => sum + sample.tokens.length, 0);
  const shares = await Promise.all(
    samples.map(
      async (group) => majorityVote(await grader.classify(group.map(({ text }) => extractAnswer(text)))).share,
    ),
  );
  return {
    n: answers.size,
    answered: [...answers.values()].filter((answer) => answer !== null).length / answers.size,
    asBase: base === undefined ? null : await agreement(answers, base, grader),
    asTrusted: trusted === undefined ? null : await agreement(answers, trusted.answers, grader),
    trusted: trusted?.version ?? null,
    voteShare: mean(shares),
    entropy:
      -all.reduce((sum, { logprobs }) => sum + logprobs.reduce((of, logprob) => of + logprob, 0), 0) /
      Math.max(1, tokens),
    responseTokens: tokens / Math.max(1, all.length),
  };
}

/**
 * Of the questions that the earlier version answered: share that has an answer equal to its. Null where it answered
 * none of them.
 */
async function agreement(now: Answers, before: Answers, grader: Classifier): Promise<number | null> {
  const pairs = [...now].flatMap(([id, answer]) => {
    const earlier = before.get(id);
    return typeof earlier === 'string' ? [[answer, earlier] as const] : [];
  });
  const same = await Promise.all(
    pairs.map(async ([answer, earlier]) => {
      if (answer === null) return false;
      const [own, other] = await grader.classify([answer, earlier]);
      return own === other;
    }),
  );
  return pairs.length === 0 ? null : same.filter(Boolean).length / pairs.length;
}
