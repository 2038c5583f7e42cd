/**
 * Figures of held-out questions without labels: the share of answers unchanged since earlier versions, and the
 * agreement of responses.
 */
import { extractAnswer } from '../learn/answer.ts';
import type { Classifier } from '../learn/judge.ts';
import { majorityVote } from '../learn/vote.ts';
import { mean } from '../lib/mean.ts';
import type { LabelFree, Sample } from '../protocol/messages.ts';

/** Greedy answers by question id; null for a response without an answer. */
export type Answers = ReadonlyMap<string, string | null>;

export interface EarlierAnswers {
  readonly base: Answers | undefined;
  readonly trusted: { readonly version: number; readonly answers: Answers } | undefined;
}

/**
 * Number of questions that are sampled, and of samples for each: it costs as much as greedy answers to 200 questions.
 */
export const SAMPLED_QUESTIONS = 50;
export const SAMPLES = 4;

export interface Responses {
  readonly answers: Answers;
  /** Figures of the sampled questions. */
  readonly samples: readonly (readonly Sample[])[];
}

/** Undefined when no question could be asked. */
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

/** Share of the earlier version's answered questions with an equal answer now. Null when it answered none of them. */
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
