/** A policy is a model with a learner that trains it and a sampler that queries it, possibly in different processes. */
import type { Learner } from './learner.ts';
import type { WorkerStatus } from '../protocol/status.ts';
import type { Sampler } from './sampler.ts';

export interface Policy {
  readonly learner: Learner;
  readonly sampler: Sampler;
  /** Absent where no process outside this one works for the policy. */
  readonly workers?: Workers;
}

/** Processes on other machines that work for the policy. */
export interface Workers {
  list(): readonly WorkerStatus[];
  /** Lets the workers of a name finish what they have in hand and end. @throws InputError when there are none. */
  drain(name: string): void;
}

/** The options to open a policy with. */
export interface PolicyOrigin {
  /** Checkpoint to continue from; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string };
  /** Folder of the base model, if not the configuration's. */
  readonly base?: string;
}
