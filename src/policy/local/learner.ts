/**
 * The learner on this machine: TF.js programs in a thread. This class holds no tensors, only the shared memory of the
 * versions; each call hands the thread all that it needs, so a thread that dies takes nothing with it.
 */
import { loadArchitecture } from '../../compute/models/folder.ts';
import type { LearnerSetup } from '../../compute/threads/learner-worker.ts';
import { WorkerPool } from '../../compute/threads/pool.ts';
import { Versions } from '../../compute/threads/versions.ts';
import { checkSound } from '../../learn/soundness.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Batch } from '../../protocol/messages.ts';
import type { LearnReply, ModelLimits, PromptSource, WeightsRef } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Learner } from '../learner.ts';
import type { PolicyOrigin } from '../policy.ts';
import { QUEUE_PER_THREAD } from './sampler.ts';
import { SharedWeights } from './weights.ts';

export interface LearnerOptions {
  /** `baseFolder` is the Hugging Face folder of the base model: version 0, and the reference of the KL term. */
  readonly setup: LearnerSetup;
  readonly checkpoint?: PolicyOrigin['checkpoint'] | undefined;
  readonly timeouts: {
    readonly openSeconds: number;
    readonly sampleSeconds: number;
    readonly learnSeconds: number;
    readonly saveSeconds: number;
  };
}

export class LocalLearner implements Learner {
  readonly #options: LearnerOptions;
  readonly #pool: WorkerPool;
  readonly #versions = new Versions();
  #base: SharedTensors | undefined;
  #limits: ModelLimits | undefined;
  /** The last step, so that a repeated call gets the same reply. */
  #last: { readonly batchId: number; readonly reply: LearnReply } | undefined;

  constructor(options: LearnerOptions) {
    this.#options = options;
    const { setup, timeouts } = options;
    this.#pool = new WorkerPool({ startSeconds: timeouts.openSeconds, setup, threads: 1, maxQueue: QUEUE_PER_THREAD });
  }

  /** The newest version. */
  get current(): number {
    return this.#versions.current;
  }

  /** Versions whose weights are in memory. */
  get kept(): readonly number[] {
    return this.#versions.kept;
  }

  get limits(): ModelLimits | undefined {
    return this.#limits;
  }

  get prompts(): PromptSource {
    const { baseFolder: folder, promptTemplate: template, systemPrompt: system, pictures } = this.#options.setup;
    return { folder, template, system, maxPictureTokens: pictures?.maxTokens };
  }

  async open(): Promise<{ readonly version: number }> {
    const { setup, checkpoint, timeouts } = this.#options;
    await this.#pool.ready();
    const opened = await this.#pool.run(
      { type: 'open', ...(checkpoint && { checkpoint }) },
      { doing: 'loading the model', seconds: timeouts.openSeconds },
    );
    this.#base = opened.base;
    const { dimensions } = await loadArchitecture(setup.baseFolder);
    this.#limits = { vocabulary: dimensions.vocabSize, context: dimensions.maxPositions };
    const version = checkpoint?.version ?? 0;
    this.#versions.publish(version, opened.state);
    return { version };
  }

  async step(batch: Batch, signal?: AbortSignal): Promise<LearnReply> {
    const last = this.#last;
    if (last?.batchId === batch.id && last.reply.version.parent === batch.parent) return last.reply;
    if (batch.parent !== this.current)
      throw new InputError(`batch ${batch.id} starts from version ${batch.parent}, but the newest is ${this.current}`);
    if (!this.#base) throw new RangeError('the learner is not open');
    const n = batch.parent + 1;
    const { state, metrics } = await this.#pool.run(
      {
        type: 'learn',
        batch,
        state: this.#versions.get(batch.parent),
        base: this.#base,
        spare: this.#versions.takeSpare(),
      },
      {
        doing: `learning version ${n} from ${batch.groups.length} groups`,
        seconds: this.#options.timeouts.learnSeconds,
        signal,
      },
    );
    if (batch.again !== true) checkSound(metrics);
    this.#versions.publish(n, state);
    const reply: LearnReply = { version: { n, parent: batch.parent, batchId: batch.id, metrics }, metrics };
    this.#last = { batchId: batch.id, reply };
    return reply;
  }

  async publish(n: number): Promise<WeightsRef> {
    const state = this.#versions.get(n);
    const { baseFolder: folder, adapter } = this.#options.setup;
    const base = { folder, adapter: adapter?.settings };
    return new SharedWeights(n, state.weights, base, () => this.#versions.has(n, state));
  }

  async save(n: number, folder: string): Promise<void> {
    const state = this.#versions.get(n);
    await this.#pool.run(
      { type: 'save', version: n, state, folder },
      { doing: `saving version ${n} to ${folder}`, seconds: this.#options.timeouts.saveSeconds },
    );
  }

  async restore(folder: string, from: number, as: number): Promise<void> {
    const state = await this.#pool.run(
      { type: 'load', checkpoint: { version: from, folder } },
      { doing: `loading version ${from} from ${folder}`, seconds: this.#options.timeouts.openSeconds },
    );
    this.#versions.publish(as, state);
  }

  retain(n: number): void {
    this.#versions.retain(n);
  }

  release(n: number): void {
    this.#versions.release(n);
  }

  onNote(listener: (text: string) => void): void {
    this.#pool.note = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
