/**
 * A learner takes optimizer steps, each of which makes a version of the policy, and holds the versions. The local one
 * is a thread of this process (local/learner.ts); another may be a server. Samplers know a version by its number and
 * get its weights from `publish`.
 *
 * The life of a version. `open` makes the first one: 0, which is the base, or that of a checkpoint. `step` and
 * `restore` make the next one, which is then the newest. The newest version stays; an older one stays while its holds,
 * `retain` less `release`, are above zero, and is dropped at once when they are not. Holds last as long as the process.
 * The loop takes them, one for each of these:
 *
 * | held version | from | until |
 * | --- | --- | --- |
 * | the one the loop samples with and learns from | the start; `advance`, after a step, a replayed step or a rollback | the next `advance` |
 * | that of a job, of questions to be written, of a command to save | the call | its end |
 * | that of an evaluation or a probe of the canaries | the order | its end, or the newer order that displaces it |
 * | the best one, where its full accuracy is reported | the evaluation that finds it | a better one |
 *
 * `retain` is called for a version that is held already or that is the newest, so it never finds the version gone.
 * Everything else that names a version (`publish`, `save`, a sampler's `sample`) is called only by a caller
 * that holds it.
 *
 * `step`, `restore` and `save` never overlap each other, but `publish`, `retain` and `release` may be called
 * at any time. At a start the daemon calls `open` with the newest checkpoint, then repeats the steps and rollbacks that
 * the store has beyond it (`batch.again`, `restore`), so a learner need not remember anything across processes.
 */
import type { Batch } from '../protocol/messages.ts';
import type { LearnReply, ModelLimits, PromptSource, WeightsRef } from '../protocol/ports.ts';
import type { Helpers } from './helpers.ts';

export interface Learner extends AsyncDisposable {
  /**
   * Known once `open` has resolved; absent when the learner does not know. Used to check replies of sampler plug-ins.
   */
  readonly limits?: ModelLimits | undefined;
  /** Where its prompts come from, for plug-ins; absent without a model folder. */
  readonly prompts?: PromptSource | undefined;
  /**
   * Loads weights (and, from a checkpoint, optimizer moments). Called once, before everything else.
   * @returns the newest version. @throws InputError when the model or the checkpoint cannot be loaded; the start is
   * then refused.
   */
  open(): Promise<{ readonly version: number }>;
  /**
   * One optimizer step from version `batch.parent`, the newest, to version `parent + 1`. A repeated call for the last
   * batch gives the same reply, because a reply may be lost on its way. Each failure leaves the versions as they are.
   * @throws InputError when `batch.parent` is not the newest version or a picture is gone; UnsoundStepError when the
   * step's numbers are beyond all bounds (`checkSound`), unless the batch is one to do `again`. Every other error
   * counts against the actor's restart budget, and the step is tried again.
   */
  step(batch: Batch, signal?: AbortSignal): Promise<LearnReply>;
  /**
   * Makes version `n` available to samplers and says where its weights are. Called for each job that needs them, so it
   * does its work once a version.
   * @throws RangeError when the version is gone.
   */
  publish(n: number): Promise<WeightsRef>;
  /**
   * Writes version `n` (weights, optimizer moments, config, tokenizer) as a Hugging Face folder, whole or not at all.
   * @throws RangeError when the version is gone, InputError when the disk refuses; after any other error the call is
   * tried again.
   */
  save(n: number, folder: string): Promise<void>;
  /**
   * Loads version `from` (weights and optimizer moments) from a folder that `save` wrote, as version `as`, the newest.
   * Called by a rollback, when no step or job is in hand, and by its replay at a start. Evaluations of older versions
   * may be in hand.
   * @throws InputError when the folder does not hold it; the versions are then as before.
   */
  restore(folder: string, from: number, as: number): Promise<void>;
  /** The part tells `listener`, in sentences, what it does by itself that a user should know. Absent: it tells nothing. */
  onNote?(listener: (text: string) => void): void;
  /** From now on `helpers` may compute gradients of a step's passes. Absent: the learner cannot share them. */
  shareWith?(helpers: Helpers): void;
  /** @throws RangeError when the version is gone. */
  retain(n: number): void;
  /** @throws RangeError when the version was released more often than retained. */
  release(n: number): void;
}
