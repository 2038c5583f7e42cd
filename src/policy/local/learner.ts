/**
 * The policy on this machine: sampled, scored and taught by TF.js programs in worker threads. This class holds no tensors, only the
 * shared memory of the versions; each call hands a thread all that it needs, so a thread that dies takes nothing with it.
 */
import type { EngineName } from '../../compute/engine/engine.ts';
import { loadArchitecture } from '../../compute/models/folder.ts';
import type { LearnSettings } from '../../compute/objectives/settings.ts';
import type { AdamWSettings } from '../../compute/training/optimizer.ts';
import { WorkerPool } from '../../compute/threads/pool.ts';
import { Versions } from '../../compute/threads/versions.ts';
import { checkSound } from '../../learn/soundness.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Batch } from '../../protocol/messages.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { ModelLimits, PromptSource } from '../../protocol/ports.ts';
import type { LearnReply, Policy, SampleReply, SampleRequest } from '../policy.ts';
import { QUEUE_PER_THREAD, rolloutPool, type SamplingOptions } from './sampler.ts';

export interface LocalPolicyOptions {
  /** Hugging Face folder of the base model: version 0, and the reference of the KL term. */
  readonly baseFolder: string;
  /** What is asked, with `{question}` for the question's text; default: the text alone. */
  readonly promptTemplate?: string | undefined;
  /** Made by `save`; absent on a fresh run. */
  readonly checkpoint?: { readonly version: number; readonly folder: string } | undefined;
  readonly engine: EngineName;
  /** Sampler threads, and CPU threads of each. */
  readonly rolloutWorkers: number;
  readonly rolloutThreads: number;
  readonly learnerThreads: number;
  readonly optimizer: AdamWSettings;
  readonly learn: LearnSettings;
  /** Sequences decoded at once by a sampler; bounds its caches. */
  readonly maxRows: number;
  readonly timeouts: {
    readonly openSeconds: number;
    readonly sampleSeconds: number;
    readonly learnSeconds: number;
    readonly saveSeconds: number;
  };
}

/** What of it the samplers need. */
export function samplingOptions(options: LocalPolicyOptions): SamplingOptions {
  const { baseFolder, promptTemplate, engine, rolloutThreads: threads, maxRows, learn, rolloutWorkers: workers, timeouts } = options;
  const setup = { role: 'rollout', baseFolder, promptTemplate, engine, threads, maxRows, microBatchGroups: learn.microBatchGroups } as const;
  return { setup, workers, timeouts };
}

export class LocalPolicy implements Policy {
  readonly #options: LocalPolicyOptions;
  readonly #rollout: WorkerPool;
  readonly #learner: WorkerPool;
  readonly #versions = new Versions();
  #base: SharedTensors | undefined;
  #limits: ModelLimits | undefined;
  /** The last step: asking for it again gives the same reply. */
  #last: { readonly batchId: number; readonly reply: LearnReply } | undefined;

  constructor(options: LocalPolicyOptions) {
    this.#options = options;
    const { baseFolder, promptTemplate, engine, timeouts, learn } = options;
    this.#rollout = rolloutPool(samplingOptions(options));
    this.#learner = new WorkerPool({
      startSeconds: timeouts.openSeconds,
      setup: { role: 'learner', baseFolder, promptTemplate, engine, threads: options.learnerThreads, optimizer: options.optimizer, learn },
      threads: 1,
      maxQueue: QUEUE_PER_THREAD,
    });
  }

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
    return { folder: this.#options.baseFolder, template: this.#options.promptTemplate };
  }

  async open(): Promise<{ readonly version: number }> {
    const { baseFolder, checkpoint, timeouts } = this.#options;
    await Promise.all([this.#learner.ready(), this.#rollout.ready()]);
    const opened = await this.#learner.run(
      { type: 'open', ...(checkpoint && { checkpoint }) },
      { doing: 'loading the model', seconds: timeouts.openSeconds },
    );
    this.#base = opened.base;
    const { dimensions } = await loadArchitecture(baseFolder);
    this.#limits = { vocabulary: dimensions.vocabSize, context: dimensions.maxPositions };
    const version = checkpoint?.version ?? 0;
    this.#versions.publish(version, opened.state);
    return { version };
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    const { weights } = this.#versions.get(request.version);
    return this.#rollout.run(
      { type: 'sample', request, weights, base: this.#opened() },
      {
        doing: `sampling ${request.questions.length} questions with version ${request.version}`,
        seconds: this.#options.timeouts.sampleSeconds,
        signal,
      },
    );
  }

  async learn(batch: Batch, signal?: AbortSignal): Promise<LearnReply> {
    const last = this.#last;
    if (last?.batchId === batch.id && last.reply.version.parent === batch.parent) return last.reply;
    if (batch.parent !== this.current)
      throw new InputError(`batch ${batch.id} starts from version ${batch.parent}, but the newest is ${this.current}`);
    const n = batch.parent + 1;
    const { state, metrics } = await this.#learner.run(
      { type: 'learn', batch, state: this.#versions.get(batch.parent), base: this.#opened(), spare: this.#versions.takeSpare() },
      { doing: `learning version ${n} from ${batch.groups.length} groups`, seconds: this.#options.timeouts.learnSeconds, signal },
    );
    if (batch.again !== true) checkSound(metrics);
    this.#versions.publish(n, state);
    const reply: LearnReply = { version: { n, parent: batch.parent, batchId: batch.id, metrics }, metrics };
    this.#last = { batchId: batch.id, reply };
    return reply;
  }

  async save(n: number, folder: string): Promise<void> {
    const state = this.#versions.get(n);
    await this.#learner.run(
      { type: 'save', version: n, state, folder },
      { doing: `saving version ${n} to ${folder}`, seconds: this.#options.timeouts.saveSeconds },
    );
  }

  async restore(folder: string, from: number, as: number): Promise<void> {
    const state = await this.#learner.run(
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

  #opened(): SharedTensors {
    if (!this.#base) throw new RangeError('the policy is not open');
    return this.#base;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#rollout[Symbol.asyncDispose](), this.#learner[Symbol.asyncDispose]()]);
  }
}
