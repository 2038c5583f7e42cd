/** A policy is a model with a learner that trains it and a sampler that queries it, possibly in different processes. */
import type { Learner } from './learner.ts';
import type { Sampler } from './sampler.ts';

export interface Policy {
  readonly learner: Learner;
  readonly sampler: Sampler;
}

/** The options to open a policy with. */
export interface PolicyOrigin {
  /** Checkpoint to continue from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
  /** Folder of the base model, if not the configuration's. */
  readonly base?: string;
}
