/** Accuracy of a model outside the loop, by the loop's own evaluator. */
import { evaluator } from '../../actors/evaluator.ts';
import type { Config } from '../config/schema.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { openJsonl } from '../data/jsonl.ts';
import type { LabelledDataset } from '../data/dataset.ts';
import { Grader } from '../learn/grader.ts';
import { InputError } from '../protocol/errors.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { openPolicy } from './open-policy.ts';

export interface EvaluateRequest {
  /** JSONL file or `figures`; default: the held-out part of what the configuration names. */
  readonly data?: string;
  /** Questions at most; default: all. */
  readonly n?: number;
}

/** @throws InputError for a bad model or data set, and when no question has an answer. */
export async function evaluateModel(config: Config, { data, n }: EvaluateRequest, signal: AbortSignal): Promise<Accuracy> {
  const { dataset, labels } = await openQuestions(config, data);
  await using policy = await openPolicy(config);
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const questions = Math.min(dataset.size, n ?? dataset.size);
  const settings = { ...config, evaluation: { ...config.evaluation, questions, fullQuestions: questions } };
  const evaluate = evaluator({ policy, heldOut: dataset, labels, grader, config: settings });
  const { full } = await evaluate({ version: policy.current, full: true }, signal);
  if (!full || full.n === 0) throw new InputError(`${dataset.name} has no question with an answer to compare with`);
  return full;
}
