/** Accuracy of a model outside the loop, by the loop's own evaluator. */
import { isBuiltIn, isDrawn, type BuiltIn } from '../data/settings.ts';
import { resolve } from 'node:path';
import { evaluator, selectLabelled } from '../roles/evaluator.ts';
import { configSchema, type Config } from '../config/schema.ts';
import type { Columns } from '../data/columns.ts';
import type { LabelledDataset } from '../data/dataset.ts';
import { openFigures } from '../data/figures/dataset.ts';
import { openData, openOptions, openPaths, pathsOf } from '../data/open.ts';
import { suiteOptions, type SuiteName } from '../data/suites.ts';
import { InputError } from '../protocol/errors.ts';
import type { Accuracy, RefusedQuestion } from '../protocol/messages.ts';
import { openConfigured, type Model } from './model.ts';

export interface EvaluateOptions {
  /** Files, folders and patterns, all of each, or `figures` or `ladder`, the held-out part of a built-in data set. */
  readonly data?: readonly string[];
  readonly suites?: readonly SuiteName[];
  readonly columns?: Columns;
  /** Questions of each at most; default: all. */
  readonly n?: number;
  readonly signal?: AbortSignal;
}

export interface SuiteAccuracy {
  readonly data: string;
  readonly accuracy: Accuracy;
  /** Questions that could not be asked: they are left out of the accuracy. */
  readonly refused: readonly RefusedQuestion[];
  /** Notes on how the data was read when there was more than one way. */
  readonly notes: readonly string[];
}

interface NamedData extends LabelledDataset {
  readonly name: string;
}

const NOTHING_HELD_OUT =
  'no question of it is held out, as `data.heldOutShare` is 0; name the questions to evaluate on with --data';

function holdsNothingOut({ data }: Config): boolean {
  return !isDrawn(data) && data.heldOutFile === undefined && data.heldOutSplit === undefined && data.heldOutShare === 0;
}

/** Default number of questions of a built-in suite. */
const SUITE_QUESTIONS = 300;

/**
 * One result for each data set, in the order of the options; without one, the held-out part of the model's own data.
 * @throws InputError for a bad data set, and when no question of one has an answer.
 */
export async function evaluate(model: Model, options: EvaluateOptions): Promise<SuiteAccuracy[]> {
  return measure(model, await openSets(model.config, options), options);
}

/** As `evaluate`, of the model that the configuration names; a bad data set is reported before the model is opened. */
export async function evaluateModel(config: Config, options: EvaluateOptions): Promise<SuiteAccuracy[]> {
  const sets = await openSets(config, options);
  await using model = await openConfigured(config, options.signal);
  return await measure(model, sets, options);
}

async function openSets(config: Config, options: EvaluateOptions): Promise<NamedData[]> {
  const sets = await openAll(config, options);
  const isHeldOut = options.data === undefined && (options.suites ?? []).length === 0;
  for (const { name, dataset, labels } of sets) {
    if (dataset.size === 0)
      throw new InputError(
        `${name}: ${isHeldOut && holdsNothingOut(config) ? NOTHING_HELD_OUT : 'holds no questions'}`,
      );
    if (selectLabelled(dataset, labels, config.seed, 1).length === 0) {
      throw new InputError(
        `${name}: no question has an answer to compare with; a column \`answer\`, \`ground_truth\` or \`solution\` is needed, or another one named by --set data.columns.answer=NAME`,
      );
    }
  }
  return sets;
}

async function measure(model: Model, sets: readonly NamedData[], options: EvaluateOptions): Promise<SuiteAccuracy[]> {
  const { config, grader, sampler } = model;
  const { n, signal = new AbortController().signal } = options;
  const results: SuiteAccuracy[] = [];
  for (const { name, dataset: heldOut, labels, notes = [] } of sets) {
    const questions = Math.min(heldOut.size, n ?? heldOut.size);
    const settings = { ...config, evaluation: { ...config.evaluation, questions, fullQuestions: questions } };
    const evaluate = evaluator({ sampler, heldOut, labels, grader, config: settings });
    const { full, refused = [] } = await evaluate({ version: 0, full: true }, signal);
    const named = refused.map(({ question, reason }) => ({
      question,
      reason: [heldOut.where?.(question), reason].filter(Boolean).join(': '),
    }));
    if (full!.n === 0) throw new InputError(`${name}: no question can be asked: ${named[0]?.reason}`);
    results.push({ data: name, accuracy: full!, refused: named, notes });
  }
  return results;
}

async function openAll(config: Config, { data = [], suites = [], columns, n }: EvaluateOptions): Promise<NamedData[]> {
  const sets: NamedData[] = [];
  const options = openOptions(config.data);
  const read = (path: string) =>
    openPaths([resolve(path)], { ...options, columns: { ...options.columns, ...columns } });
  for (const path of data)
    sets.push({ name: path, ...(isBuiltIn(path) ? await openHeldOut(drawnOf(config, path)) : await read(path)) });
  for (const suite of suites)
    sets.push({ name: suite, ...openFigures(suiteOptions(suite, config.seed, n ?? SUITE_QUESTIONS)) });
  if (sets.length === 0) {
    const name = isDrawn(config.data) ? config.data.type : pathsOf(config.data.trainFile).join(', ');
    sets.push({ name, ...(await openHeldOut(config.data)) });
  }
  return sets;
}

function drawnOf({ data }: Config, type: BuiltIn): Config['data'] {
  return data.type === type ? data : configSchema.parse({ data: { type } }).data;
}

async function openHeldOut(data: Config['data']): Promise<LabelledDataset> {
  const { heldOut, labels, notes = [] } = await openData(data);
  return { dataset: heldOut, labels, notes };
}
