/** One question, G samples, the vote: what the loop does to a question, once. */
import type { Config } from '../config/schema.ts';
import { extractAnswer } from '../learn/answer.ts';
import { Grader } from '../learn/grader.ts';
import { majorityVote } from '../learn/vote.ts';
import type { Finish, Question } from '../protocol/messages.ts';
import { openForSampling } from '../policy/local/open.ts';

export interface Asked {
  readonly question: string;
  /** Absolute paths. */
  readonly images: readonly string[];
  readonly samples: number;
  /** Every answer is the likeliest one. */
  readonly isGreedy: boolean;
}

export interface Answered {
  readonly samples: readonly { readonly text: string; readonly answer: string | null; readonly class: number; readonly finish: Finish }[];
  /** Class with most votes; -1 when no sample has an answer. */
  readonly winner: number;
  /** The winning answer as it was first written; null when no sample has one. */
  readonly answer: string | null;
  readonly share: number;
}

/** @throws InputError for a bad model, picture or question. */
export async function askModel(config: Config, { question, images, samples, isGreedy }: Asked, signal: AbortSignal): Promise<Answered> {
  const asked: Question = { id: 'ask', text: question, pictures: images.map((path) => ({ type: 'file', path })), origin: 'dataset' };
  await using sampler = await openForSampling(config);
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const params = { ...config.sampling, samples, ...(isGreedy && { temperature: 0 }) };
  const { groups } = await sampler.sample({ questions: [asked], params, seed: config.seed, version: 0 }, signal);
  const group = groups[0] ?? [];
  const answers = group.map(({ text }) => extractAnswer(text));
  const classes = await grader.classify(answers);
  const { winner, share } = majorityVote(classes);
  return {
    samples: group.map(({ text, finish }, i) => ({ text, finish, answer: answers[i]!, class: classes[i]! })),
    winner,
    answer: winner < 0 ? null : answers[classes.indexOf(winner)]!,
    share,
  };
}
