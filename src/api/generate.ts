/** One question, G samples, the vote: what the loop does to a question, once. */
import { resolve } from 'node:path';
import { extractAnswer } from '../learn/answer.ts';
import { majorityVote } from '../learn/vote.ts';
import type { Finish, Question } from '../protocol/messages.ts';
import type { Model } from './model.ts';

export interface Asked {
  readonly text: string;
  /** Paths of picture files. */
  readonly images?: readonly string[];
}

export interface GenerateOptions {
  /** Responses. Default 1. */
  readonly samples?: number;
  /** 0 is greedy: every response is the likeliest one. Default: `sampling.temperature` of the model's settings. */
  readonly temperature?: number;
  /** The same seed gives the same responses. Default: `seed` of the model's settings. */
  readonly seed?: number;
  /** Tokens of a response, at most. Default: `sampling.maxNewTokens` of the model's settings. */
  readonly maxNewTokens?: number;
  readonly signal?: AbortSignal;
}

export interface Generated {
  /** `class` sorts the answers: answers of one class are equivalent; -1 without an answer. */
  readonly samples: readonly {
    readonly text: string;
    readonly answer: string | null;
    readonly class: number;
    readonly finish: Finish;
  }[];
  /** Class with most votes; -1 when no sample has an answer. */
  readonly winner: number;
  /** The winning answer as it was first written; null when no sample has one. */
  readonly answer: string | null;
  /** Share of the samples that voted for the winner. */
  readonly share: number;
  /** Number of pictures that were scaled down to `pictures.maxTokens`. */
  readonly scaledPictures: number;
}

/** @throws InputError for a bad picture or question, CancelledError after `signal` aborts. */
export async function generate(
  model: Model,
  { text, images = [] }: Asked,
  options: GenerateOptions = {},
): Promise<Generated> {
  const { sampler, grader, config } = model;
  const { samples = 1, seed = config.seed, signal, ...own } = options;
  const pictures = images.map((path) => ({ type: 'file' as const, path: resolve(path) }));
  const question: Question = { id: 'ask', text, pictures, origin: 'dataset' };
  const request = { questions: [question], params: { ...config.sampling, ...own, samples }, seed, version: 0 };
  const { groups, scaledPictures = 0 } = await sampler.sample(request, signal);
  const group = groups[0] ?? [];
  const answers = group.map((sample) => extractAnswer(sample.text));
  const classes = await grader.classify(answers);
  const { winner, share } = majorityVote(classes);
  return {
    samples: group.map((sample, i) => ({
      text: sample.text,
      finish: sample.finish,
      answer: answers[i]!,
      class: classes[i]!,
    })),
    winner,
    answer: winner < 0 ? null : answers[classes.indexOf(winner)]!,
    share,
    scaledPictures,
  };
}
