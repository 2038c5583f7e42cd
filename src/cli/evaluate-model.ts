/** Accuracy of a model outside the loop, by the loop's own evaluator. */
import { evaluator } from '../../actors/evaluator.ts';
import type { Config } from '../config/schema.ts';
import type { LabelledDataset } from '../data/dataset.ts';
import { openJsonl } from '../data/jsonl.ts';
import { openData } from '../data/open.ts';
import { Grader } from '../learn/grader.ts';
import { InputError } from '../protocol/errors.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { localPolicy } from '../policy/open.ts';

export interface EvaluateRequest {
  /** JSONL file, all of it; default: the held-out part of the configuration's data. */
  readonly file?: string;
  /** Questions at most; default: all. */
  readonly n?: number;
}

/** @throws InputError for a bad model or data set, and when no question has an answer. */
export async function evaluateModel(config: Config, { file, n }: EvaluateRequest, signal: AbortSignal): Promise<Accuracy> {
  const { dataset: heldOut, labels } = file === undefined ? await openHeldOut(config) : await openJsonl(file);
  await using policy = localPolicy(config);
  const { version } = await policy.open();
  await using grader = new Grader({ deadlineSeconds: config.timeouts.judgeSeconds });
  const questions = Math.min(heldOut.size, n ?? heldOut.size);
  const settings = { ...config, evaluation: { ...config.evaluation, questions, fullQuestions: questions } };
  const evaluate = evaluator({ policy, heldOut, labels, grader, config: settings });
  const { full } = await evaluate({ version, full: true }, signal);
  if (!full || full.n === 0) throw new InputError(`${heldOut.name} has no question with an answer to compare with`);
  return full;
}

async function openHeldOut({ data }: Config): Promise<LabelledDataset> {
  const { heldOut, labels } = await openData(data);
  return { dataset: heldOut, labels };
}
