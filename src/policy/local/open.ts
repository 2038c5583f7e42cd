/** From the configuration to a policy on this machine. */
import type { EngineName } from '../../compute/engine/engine.ts';
import type { Config } from '../../config/schema.ts';
import { InputError } from '../../protocol/errors.ts';
import { LocalPolicy, samplingOptions, type LocalPolicyOptions } from './learner.ts';
import { SamplingPolicy } from './sampler.ts';

/** What a policy is opened with. */
export interface PolicyOrigin {
  /** Checkpoint to go on from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
  /** Folder of the base model where it is not the configuration's. */
  readonly base?: string;
}

/** Groups that one forward and backward pass holds: more gains no speed and costs memory (16 took 700 MB more than 4). */
const MICRO_BATCH_GROUPS = 4;
/** Response tokens of one pass, at most where a pass holds several groups: each takes a row of logits as wide as the vocabulary. */
const PASS_TOKENS = 8_192;

export type PolicyConfig = Pick<Config, 'model' | 'promptTemplate' | 'workers' | 'learner' | 'sampling' | 'loop' | 'timeouts'>;

/** @throws InputError for an engine on which samplers and the learner cannot work in one process. */
export function refuseEngine({ engine }: Config['workers']): void {
  if (engine !== 'webgpu') return;
  throw new InputError(
    '`workers.engine` is "webgpu", on which samplers and the learner stand still in one process: set "auto", "cpu", "cuda", "tensorflow" or "reference"; ' +
      '`quorum eval`, `quorum ask` and `quorum synthesize` may use "webgpu"',
  );
}

/** Not open yet: `open()` loads it. */
export function localPolicy(config: PolicyConfig, origin: PolicyOrigin = {}): LocalPolicy {
  return new LocalPolicy(localOptions(config, origin));
}

/** The base alone, to be asked. @throws InputError for a bad model. */
export function openForSampling(config: PolicyConfig): Promise<SamplingPolicy> {
  return SamplingPolicy.open(samplingOptions(localOptions(config, {})));
}

/** Groups in one pass of the learner, and of the scorer: of long responses fewer. */
export function groupsAPass({ sampling, learner, loop }: Pick<Config, 'sampling' | 'learner' | 'loop'>): number {
  const withinTokens = Math.floor(PASS_TOKENS / (sampling.samples * sampling.maxNewTokens));
  return Math.max(1, Math.min(MICRO_BATCH_GROUPS, withinTokens, Math.ceil(loop.batchGroups / learner.minibatches)));
}

/** The engine that `workers.engine` means. */
export function engineOf({ engine }: Pick<Config['workers'], 'engine'>): EngineName {
  return engine === 'auto' ? 'cpu' : engine;
}

function localOptions(config: PolicyConfig, { checkpoint, base }: PolicyOrigin): LocalPolicyOptions {
  const { model, promptTemplate, workers, learner, sampling, loop, timeouts } = config;
  const { betas, weightDecay, gradientClipNorm, minibatches, ...learn } = learner;
  return {
    baseFolder: base ?? model,
    promptTemplate,
    checkpoint,
    engine: engineOf(workers),
    rolloutWorkers: workers.rolloutWorkers,
    rolloutThreads: workers.rolloutThreads,
    learnerThreads: workers.learnerThreads,
    optimizer: { beta1: betas[0], beta2: betas[1], epsilon: 1e-8, weightDecay, clipNorm: gradientClipNorm },
    learn: {
      ...learn,
      minibatches,
      temperature: sampling.temperature,
      microBatchGroups: groupsAPass(config),
    },
    maxRows: loop.jobQuestions * sampling.samples,
    timeouts,
  };
}
