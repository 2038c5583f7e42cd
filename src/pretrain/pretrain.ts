/**
 * `quorum pretrain`: trains a mini model from scratch with labels, by the recipe of a data set, and writes it as a
 * Hugging Face folder.
 */
import { performance } from 'node:perf_hooks';
import { join } from 'node:path';
import { kindOf, type EngineName } from '../compute/engine/engine.ts';
import type { Architecture } from '../compute/models/family.ts';
import { loadArchitecture } from '../compute/models/folder.ts';
import { writeSafetensors } from '../compute/hf/safetensors.ts';
import { adamW } from '../compute/training/optimizer.ts';
import { writeWhole } from '../lib/whole-file.ts';
import type { BuiltIn } from '../data/settings.ts';
import type { Accuracy } from '../protocol/messages.ts';
import { accuracyOf } from './accuracy.ts';
import { modelCard } from './card.ts';
import { hasState, loadState, removeState, saveState } from './checkpoint.ts';
import { writeMini, type Sizes } from './mini.ts';
import { learningRateAt, shortened, WIDENED_EVALUATION, widenedStage, type Evaluation, type Stage } from './recipe.ts';
import { MADE, RECIPES } from './recipes/table.ts';
import { startWeights, widenedWeights } from './start-weights.ts';
import { ParallelTrainer, type TrainState } from './parallel-trainer.ts';

export interface PretrainOptions {
  /** Folder of the model; an unfinished run there continues. */
  readonly folder: string;
  readonly seed: number;
  readonly threads: number;
  /** What the model is made for; default: `figures`. */
  readonly data?: BuiltIn;
  /** Widens the package's model for `data` to these sizes and trains that; default: a mini model from the start. */
  readonly like?: { readonly name: string; readonly sizes: Sizes } | undefined;
  /** Computes gradients and answers; default: `cpu`. */
  readonly engine?: EngineName;
  /** Of all stages together; default: the recipe's. */
  readonly steps?: number | undefined;
  /** In place of the recipe's. */
  readonly stages?: readonly Stage[];
  /** Examples per step. */
  readonly batch?: number;
  readonly evaluation?: Evaluation;
  /** Stops after the current step and saves, so that the next call continues. */
  readonly signal?: AbortSignal;
}

export type PretrainProgress =
  | {
      readonly type: 'step';
      readonly stage: string;
      /** Steps done, over all stages. */
      readonly step: number;
      readonly steps: number;
      /** Nats per response token. */
      readonly loss: number;
      readonly gradNorm: number;
      readonly learningRate: number;
      /** Duration of this step. */
      readonly seconds: number;
    }
  /** During training only greedy accuracy (`k` is 0), at the end all of it. */
  | { readonly type: 'accuracy'; readonly step: number; readonly accuracy: Accuracy };

/** @returns the final accuracy, or null when `signal` stopped the run before the end. */
export async function pretrain(
  options: PretrainOptions,
  onProgress: (progress: PretrainProgress) => void,
): Promise<Accuracy | null> {
  const { folder, seed, threads, data = 'figures', engine = 'cpu', like, signal } = options;
  const recipe = RECIPES[data];
  const { batch = recipe.batch, evaluation = like ? WIDENED_EVALUATION : recipe.evaluation } = options;
  const stages = stagesOf(options);
  await writeMini(folder, recipe.words, like?.sizes);
  const model = await loadArchitecture(folder);
  const parts = kindOf(engine) === 'cpu' ? threads : 1;
  await using trainer = await ParallelTrainer.start(
    { model, setup: { folder, data, engine }, parts, threads },
    await startState(options, model),
  );
  const steps = stages.reduce((sum, stage) => sum + stage.steps, 0);
  const stopped = (): boolean => signal?.aborted ?? false;
  while (trainer.step < steps && !stopped()) {
    const started = performance.now();
    const { stage, within } = stageAt(stages, trainer.step);
    const learningRate = learningRateAt(stage, within);
    const metrics = await trainer.update({ learningRate, mixture: stage.mixture, seed, batch });
    const { step } = trainer;
    const isLast = within === stage.steps - 1;
    onProgress({
      type: 'step',
      stage: stage.name,
      step,
      steps,
      learningRate,
      ...metrics,
      seconds: (performance.now() - started) / 1000,
    });
    if (step % evaluation.everySteps === 0 || isLast) {
      await save(folder, seed, trainer.state);
      onProgress({ type: 'accuracy', step, accuracy: accuracyOf(await trainer.answer(evaluation.quickQuestions, 1)) });
    }
  }
  await save(folder, seed, trainer.state);
  if (trainer.step < steps) return null;
  const greedy = await trainer.answer(evaluation.questions, 1);
  const accuracy = accuracyOf(greedy, await trainer.answer(evaluation.questions, evaluation.samples));
  onProgress({ type: 'accuracy', step: steps, accuracy });
  await writeWhole(join(folder, 'README.md'), [
    modelCard({ data, like: like?.name, seed, steps: options.steps, stages, batch, accuracy, greedy }),
  ]);
  await removeState(folder);
  return accuracy;
}

function stagesOf(options: PretrainOptions): readonly Stage[] {
  const { data = 'figures', like, steps } = options;
  const { stages = like ? [widenedStage(RECIPES[data])] : RECIPES[data].stages } = options;
  return steps === undefined ? stages : shortened(stages, steps);
}

async function save(folder: string, seed: number, state: TrainState): Promise<void> {
  await writeSafetensors(join(folder, 'model.safetensors'), state.weights);
  await saveState(folder, seed, state);
}

async function startState(
  { folder, data = 'figures', like, seed }: PretrainOptions,
  model: Architecture,
): Promise<TrainState> {
  const { parameters } = model;
  if (hasState(folder)) return loadState(folder, seed, parameters);
  const weights = like
    ? await widenedWeights(MADE[data], model, seed)
    : await startWeights(RECIPES[data], parameters, seed);
  return { weights, moments: adamW.init(parameters), step: 0 };
}

function stageAt(stages: readonly Stage[], step: number): { stage: Stage; within: number } {
  let within = step;
  for (const stage of stages) {
    if (within < stage.steps) return { stage, within };
    within -= stage.steps;
  }
  throw new RangeError(`step ${step} is past the last stage`);
}
