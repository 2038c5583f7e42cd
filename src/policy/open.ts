/** From the configuration to a LocalPolicy. */
import type { Config } from '../config/schema.ts';
import { LocalPolicy } from './local.ts';

/** What a policy is opened with. */
export interface PolicyOrigin {
  /** Checkpoint to go on from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
}

/** Groups that one forward and backward pass holds: more gains no speed and costs memory (16 took 700 MB more than 4). */
const MICRO_BATCH_GROUPS = 4;

export type PolicyConfig = Pick<Config, 'model' | 'promptTemplate' | 'workers' | 'learner' | 'sampling' | 'loop' | 'timeouts'>;

/** Not open yet: `open()` loads it. */
export function localPolicy(config: PolicyConfig, { checkpoint }: PolicyOrigin = {}): LocalPolicy {
  const { model, promptTemplate, workers, learner, sampling, loop, timeouts } = config;
  const { betas, weightDecay, gradientClipNorm, minibatches, ...learn } = learner;
  return new LocalPolicy({
    baseFolder: model,
    promptTemplate,
    checkpoint,
    engine: workers.engine === 'auto' ? 'cpu' : workers.engine,
    rolloutWorkers: workers.rolloutWorkers,
    rolloutThreads: workers.rolloutThreads,
    learnerThreads: workers.learnerThreads,
    optimizer: { beta1: betas[0], beta2: betas[1], epsilon: 1e-8, weightDecay, clipNorm: gradientClipNorm },
    learn: {
      ...learn,
      minibatches,
      temperature: sampling.temperature,
      microBatchGroups: Math.min(MICRO_BATCH_GROUPS, Math.ceil(loop.batchGroups / minibatches)),
    },
    maxRows: loop.jobQuestions * sampling.samples,
    timeouts,
  });
}
