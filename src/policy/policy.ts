/**
 * A policy is a model that can be sampled, scored and taught. The loop knows nothing else about it: the local one runs our
 * compute in worker threads (local.ts); others may call a remote engine.
 */
import type { Batch, PolicyVersion, Question, RolloutGroup, Sample, StepMetrics } from '../protocol/messages.ts';

export interface SamplingParams {
  /** G, samples a question. */
  readonly samples: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly maxNewTokens: number;
}

export interface SampleRequest {
  readonly questions: readonly Question[];
  readonly params: SamplingParams;
  /** Same seed, version and questions: same samples. */
  readonly seed: number;
  /** Version to sample with; it must be published and not yet released. */
  readonly version: number;
}

export interface SampleReply {
  /** Parallel to `questions`. */
  readonly groups: readonly (readonly Sample[])[];
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly seconds: number;
}

export interface LearnReply {
  readonly version: PolicyVersion;
  readonly metrics: StepMetrics;
}

export interface Policy extends AsyncDisposable {
  /** Loads weights (and, when resuming, optimizer moments) and makes `version` the current one. */
  open(): Promise<{ readonly version: number }>;
  sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply>;
  /** One GRPO step from version `batch.parent`; on return version `parent + 1` is published to the samplers. */
  learn(batch: Batch, signal?: AbortSignal): Promise<LearnReply>;
  /** Writes version `n` (weights, optimizer moments, config, tokenizer) as a Hugging Face folder; atomic. */
  save(n: number, folder: string): Promise<void>;
  /** Keeps a version's weights alive while somebody samples with it. */
  retain(n: number): void;
  release(n: number): void;
  /** Newest published version. */
  readonly current: number;
}

export type { RolloutGroup };
