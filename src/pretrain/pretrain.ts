/** `quorum pretrain`: makes a mini model from nothing with labels, in the two stages of recipe.ts, as a Hugging Face folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { ModelConfig } from '../compute/hf/config.ts';
import { loadConfig } from '../compute/hf/folder.ts';
import { writeSafetensors } from '../compute/hf/safetensors.ts';
import { weightSpecs } from '../compute/model/weights.ts';
import { adamW } from '../compute/optimizer.ts';
import { loadState, removeState, saveState } from './checkpoint.ts';
import { initialWeights } from './initialize.ts';
import { writeMini } from './mini.ts';
import { BATCH, learningRateAt, STAGES, type Stage } from './recipe.ts';
import { Trainer, type TrainState } from './trainer.ts';

export interface PretrainOptions {
  /** Folder of the model; an unfinished run found there goes on. */
  readonly folder: string;
  readonly seed: number;
  readonly threads: number;
  readonly stages?: readonly Stage[];
  /** Steps between saves. */
  readonly saveEvery?: number;
  /** Stops after the step in hand, saved so that it can go on. */
  readonly signal?: AbortSignal;
}

export interface PretrainProgress {
  readonly stage: string;
  /** Steps done, over all stages. */
  readonly step: number;
  readonly steps: number;
  /** Nats a response token. */
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Of this step. */
  readonly seconds: number;
}

/** @returns whether it finished; false when `signal` stopped it. */
export async function pretrain(options: PretrainOptions, onProgress: (progress: PretrainProgress) => void): Promise<boolean> {
  const { folder, seed, threads, stages = STAGES, saveEvery = 100, signal } = options;
  await writeMini(folder);
  const config = await loadConfig(folder);
  await using trainer = await Trainer.start(config, { folder }, threads, await startState(folder, seed, config));
  const steps = stages.reduce((sum, stage) => sum + stage.steps, 0);
  while (trainer.state.step < steps && !signal?.aborted) {
    const started = performance.now();
    const { stage, within } = stageAt(stages, trainer.state.step);
    const learningRate = learningRateAt(stage, within);
    const { loss, gradNorm } = await trainer.step({ learningRate, mixture: stage.mixture, seed, batch: BATCH });
    const { step } = trainer.state;
    onProgress({ stage: stage.name, step, steps, loss, gradNorm, learningRate, seconds: (performance.now() - started) / 1000 });
    if (step % saveEvery === 0 || within === stage.steps - 1) await save(folder, seed, trainer.state);
  }
  await save(folder, seed, trainer.state);
  if (trainer.state.step < steps) return false;
  await removeState(folder);
  return true;
}

async function save(folder: string, seed: number, state: TrainState): Promise<void> {
  await writeSafetensors(join(folder, 'model.safetensors'), state.weights);
  await saveState(folder, seed, state);
}

async function startState(folder: string, seed: number, config: ModelConfig): Promise<TrainState> {
  const specs = weightSpecs(config);
  if (existsSync(join(folder, 'pretrain-state.safetensors'))) return loadState(folder, seed, specs);
  return { weights: initialWeights(config, seed), moments: adamW.init(specs), step: 0 };
}

function stageAt(stages: readonly Stage[], step: number): { stage: Stage; within: number } {
  let within = step;
  for (const stage of stages) {
    if (within < stage.steps) return { stage, within };
    within -= stage.steps;
  }
  throw new RangeError(`step ${step} is past the last stage`);
}
