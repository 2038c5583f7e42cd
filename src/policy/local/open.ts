/** Builds a learner and a sampler on this machine from the configuration. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../../compute/engine/engine.ts';
import type { PictureSetup } from '../../compute/threads/frozen-tower.ts';
import type { PassLimit } from '../../compute/training/passes.ts';
import type { Config } from '../../config/schema.ts';
import { CancelledError, InputError } from '../../protocol/errors.ts';
import type { PolicyOrigin } from '../policy.ts';
import type { Sampler, WeightsOf } from '../sampler.ts';
import { computeOf, devicesOf, type Device } from './devices.ts';
import { LocalGradients } from './gradients.ts';
import { LocalLearner, type LearnerOptions } from './learner.ts';
import { LocalSampler } from './sampler.ts';

/** Groups in one forward and backward pass: more gains no speed and costs memory (16 took 700 MB more than 4). */
const MICRO_BATCH_GROUPS = 4;
/**
 * Maximum of response tokens in a pass with several groups: each token takes a row of logits as wide as the vocabulary.
 */
const PASS_TOKENS = 8_192;

export type PolicyConfig = Pick<
  Config,
  | 'model'
  | 'runFolder'
  | 'pictures'
  | 'promptTemplate'
  | 'prompt'
  | 'seed'
  | 'workers'
  | 'learner'
  | 'sampling'
  | 'loop'
  | 'timeouts'
>;

/** @throws InputError for an engine on which samplers and the learner cannot work in one process. */
export function refuseEngine({ engine }: Config['workers']): void {
  if (engine !== 'webgpu') return;
  throw new InputError(
    '`workers.engine` is "webgpu", on which samplers and the learner stand still in one process: set "auto", "cpu", "cuda", "tensorflow" or "reference"; ' +
      '`quorum eval`, `quorum ask` and `quorum synthesize` may use "webgpu"',
  );
}

/** Not open yet. */
export function localPolicy(
  config: PolicyConfig,
  origin: PolicyOrigin = {},
): { readonly learner: LocalLearner; readonly sampler: LocalSampler } {
  const learner = new LocalLearner(learnerOptions(config, origin));
  return { learner, sampler: localSampler(config, origin, (version) => learner.publish(version)) };
}

/**
 * An open sampler: of the base alone, or of the versions that `weightsOf` finds, wherever their learner is.
 * @throws InputError for a bad model, CancelledError after `signal` aborts; no thread is left then.
 */
export async function openForSampling(
  config: PolicyConfig,
  weightsOf?: WeightsOf,
  signal?: AbortSignal,
): Promise<Sampler> {
  const isCancelled = (): boolean => signal?.aborted === true;
  if (isCancelled()) throw new CancelledError('opening the model was cancelled');
  const sampler = localSampler(config, {}, weightsOf);
  // Without its threads the sampler cannot open: reading large weights takes minutes.
  const close = (): void => void sampler[Symbol.asyncDispose]();
  signal?.addEventListener('abort', close);
  try {
    await sampler.open();
    return sampler;
  } catch (error) {
    await sampler[Symbol.asyncDispose]();
    throw isCancelled() ? new CancelledError('opening the model was cancelled', { cause: error }) : error;
  } finally {
    signal?.removeEventListener('abort', close);
  }
}

/** Open threads that compute gradients for a learner elsewhere. @throws InputError for a bad model. */
export async function openForGradients(config: PolicyConfig): Promise<LocalGradients> {
  const gradients = new LocalGradients(learnerOptions(config, {}));
  try {
    await gradients.open();
    return gradients;
  } catch (error) {
    await gradients[Symbol.asyncDispose]();
    throw error;
  }
}

/** The bound of a pass of the learner and of the scorer. */
export function passLimit(config: Pick<Config, 'sampling' | 'learner' | 'loop'>): PassLimit {
  const { passTokens } = config.learner;
  return passTokens === 'auto' ? { groups: groupsAPass(config) } : { tokens: passTokens };
}

/** Groups in one pass of the learner and of the scorer: fewer for long responses. */
export function groupsAPass({ sampling, learner, loop }: Pick<Config, 'sampling' | 'learner' | 'loop'>): number {
  const withinTokens = Math.floor(PASS_TOKENS / (sampling.samples * sampling.maxNewTokens));
  return Math.max(1, Math.min(MICRO_BATCH_GROUPS, withinTokens, Math.ceil(loop.batchGroups / learner.minibatches)));
}

/** Responses that a sampler decodes at once; a start works them out from the free memory (fit.ts). */
export function rolloutRowsOf({ workers, loop, sampling }: Pick<Config, 'workers' | 'loop' | 'sampling'>): number {
  return workers.rolloutRows ?? loop.jobQuestions * sampling.samples;
}

function learnerOptions(config: PolicyConfig, { checkpoint, base }: PolicyOrigin): LearnerOptions {
  const { model, promptTemplate, prompt, seed, workers, learner, sampling, timeouts } = config;
  const { betas, weightDecay, gradientClipNorm, minibatches, adapter, recompute, passTokens: _, ...learn } = learner;
  return {
    setup: {
      role: 'learner',
      baseFolder: base ?? model,
      promptTemplate,
      systemPrompt: prompt.system ?? undefined,
      threads: workers.learnerThreads,
      pictures: pictureSetup(config),
      optimizer: { beta1: betas[0], beta2: betas[1], epsilon: 1e-8, weightDecay, clipNorm: gradientClipNorm },
      learn: {
        ...learn,
        minibatches,
        temperature: sampling.temperature,
        maxNewTokens: sampling.maxNewTokens,
      },
      pass: passLimit(config),
      saving: { ...(recompute && { recompute }) },
      ...(adapter.type !== 'none' && { adapter: { settings: adapter, seed } }),
    },
    devices: devicesOf(workers).learner.map(deviceIn(workers)),
    checkpoint,
    timeouts,
  };
}

const deviceIn =
  (workers: Config['workers']) =>
  (engine: EngineName): Device => ({
    engine,
    compute: computeOf(workers, engine),
    ...(workers.copiesGigabytes !== null && { copiesBytes: 1e9 * workers.copiesGigabytes }),
  });

/** Files of rows pay off only for a run with an adapter; a command without a run must not create its folder. */
function pictureSetup({ runFolder, pictures, learner }: PolicyConfig): PictureSetup {
  const keepsRows = learner.adapter.type !== 'none' && existsSync(runFolder);
  return {
    maxTokens: pictures.maxTokens,
    ...(keepsRows && { rowFolder: join(runFolder, 'pictures') }),
    rowBytes: pictures.cacheMegabytes * 1e6,
  };
}

function localSampler(config: PolicyConfig, { base }: PolicyOrigin, weightsOf?: WeightsOf): LocalSampler {
  const { model, promptTemplate, prompt, workers, learner, timeouts } = config;
  const setup = {
    role: 'rollout',
    baseFolder: base ?? model,
    promptTemplate,
    systemPrompt: prompt.system ?? undefined,
    threads: workers.rolloutThreads,
    maxRows: rolloutRowsOf(config),
    pass: passLimit(config),
    pictures: pictureSetup(config),
    ...(!weightsOf && { baseAlone: true }),
    ...(weightsOf && learner.adapter.type !== 'none' && { adapter: learner.adapter }),
  } as const;
  return new LocalSampler({ setup, devices: devicesOf(workers).rollout.map(deviceIn(workers)), timeouts }, weightsOf);
}
