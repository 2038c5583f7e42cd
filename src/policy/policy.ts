/** A policy is a model that is taught by a learner and asked by a sampler, which need not be in the same process. */
import type { Learner } from './learner.ts';
import type { Sampler } from './sampler.ts';

export interface Policy {
  readonly learner: Learner;
  readonly sampler: Sampler;
}

/** What a policy is opened with. */
export interface PolicyOrigin {
  /** Checkpoint to continue from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
  /** Folder of the base model where it is not the configuration's. */
  readonly base?: string;
}
