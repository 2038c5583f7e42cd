/**
 * A policy is a model that can be sampled, scored and taught. The loop knows nothing else about it: the local one runs our
 * compute in worker threads (local.ts); others may call a remote engine.
 */
import type { Batch } from '../protocol/messages.ts';
import type { LearnReply, ModelLimits, PromptSource, SampleReply, SampleRequest } from '../protocol/ports.ts';

export type { LearnReply, SampleReply, SampleRequest, SamplingParams } from '../protocol/ports.ts';

export interface Policy extends AsyncDisposable {
  /** Loads weights (and, when resuming, optimizer moments) and makes `version` the current one. */
  open(): Promise<{ readonly version: number }>;
  sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply>;
  /**
   * One GRPO step from version `batch.parent`; on return version `parent + 1` is published to the samplers.
   * @throws UnsoundStepError when the step's numbers are beyond all bounds (`checkSound`); like every failure it changes nothing.
   */
  learn(batch: Batch, signal?: AbortSignal): Promise<LearnReply>;
  /** Writes version `n` (weights, optimizer moments, config, tokenizer) as a Hugging Face folder; atomic. */
  save(n: number, folder: string): Promise<void>;
  /**
   * Loads version `from` (weights and optimizer moments) from a folder that `save` wrote, and publishes it as version `as`, the newest.
   * @throws InputError when the folder does not hold it; nothing has changed then.
   */
  restore(folder: string, from: number, as: number): Promise<void>;
  /** Keeps a version's weights alive while somebody samples with it. */
  retain(n: number): void;
  release(n: number): void;
  /** Newest published version. */
  readonly current: number;
  /** Known once it is open; absent where the policy does not say. Responses of plug-ins are checked by it. */
  readonly limits?: ModelLimits | undefined;
  /** Where its prompts come from, for plug-ins; absent where it has no model folder. */
  readonly prompts?: PromptSource | undefined;
}
