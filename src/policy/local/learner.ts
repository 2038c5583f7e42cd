/**
 * The learner on this machine: TF.js programs in a thread. This class holds no tensors, only the shared memory of the
 * versions; each call hands the thread all that it needs, so a thread that dies takes nothing with it.
 */
import { randomUUID } from 'node:crypto';
import { loadArchitecture } from '../../compute/models/folder.ts';
import type { LearnerSetup } from '../../compute/threads/learner-worker.ts';
import { WorkerPool } from '../../compute/threads/pool.ts';
import { ANOTHER_FAILED, failRanks, rankMemory, slotBytes } from '../../compute/threads/rank-memory.ts';
import { Versions } from '../../compute/threads/versions.ts';
import { checkSound } from '../../learn/soundness.ts';
import { InputError, WrongGradientError } from '../../protocol/errors.ts';
import type { Batch } from '../../protocol/messages.ts';
import type { LearnReply, ModelLimits, PromptSource, WeightsRef } from '../../protocol/ports.ts';
import type {
  AssistCall,
  LearnCall,
  LearnResult,
  RankMemory,
  SharedState,
  SharedTensors,
} from '../../protocol/worker.ts';
import type { Device } from './devices.ts';
import type { Helpers } from '../helpers.ts';
import type { Learner } from '../learner.ts';
import type { PolicyOrigin } from '../policy.ts';
import { PassPort } from './pass-port.ts';
import { QUEUE_PER_THREAD } from './sampler.ts';
import { SharedWeights } from './weights.ts';

export interface LearnerOptions {
  /** `baseFolder` is the Hugging Face folder of the base model: version 0, and the reference of the KL term. */
  readonly setup: Omit<LearnerSetup, keyof Device>;
  /** One for each thread; the threads divide the passes of a step. */
  readonly devices: readonly Device[];
  readonly checkpoint?: PolicyOrigin['checkpoint'] | undefined;
  readonly timeouts: {
    readonly openSeconds: number;
    readonly sampleSeconds: number;
    readonly learnSeconds: number;
    readonly saveSeconds: number;
  };
}

/** Tries of a step with helpers; each costs a helper that gives a wrong gradient. */
const TRIES_WITH_HELPERS = 3;

export class LocalLearner implements Learner {
  readonly #options: LearnerOptions;
  /** A thread each. */
  readonly #pools: readonly WorkerPool[];
  /** Memory of an earlier step with several threads. */
  #slots: readonly SharedArrayBuffer[] = [];
  readonly #versions = new Versions();
  #base: SharedTensors | undefined;
  #limits: ModelLimits | undefined;
  #helpers: Helpers | undefined;
  /** The last step, so that a repeated call gets the same reply. */
  #last: { readonly batchId: number; readonly reply: LearnReply } | undefined;

  constructor(options: LearnerOptions) {
    this.#options = options;
    const { setup, devices, timeouts } = options;
    const [startSeconds, maxQueue] = [timeouts.openSeconds, QUEUE_PER_THREAD];
    this.#pools = devices.map((device) => {
      return new WorkerPool({ startSeconds, setup: { ...setup, ...device }, threads: 1, maxQueue });
    });
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
    await Promise.all(this.#pools.map((pool) => pool.ready()));
    const opened = await this.#pools[0]!.run(
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
    const { state, metrics } = await this.#learnt(batch, this.#base, signal);
    if (batch.again !== true) checkSound(metrics);
    const n = batch.parent + 1;
    this.#versions.publish(n, state);
    const reply: LearnReply = { version: { n, parent: batch.parent, batchId: batch.id, metrics }, metrics };
    this.#last = { batchId: batch.id, reply };
    return reply;
  }

  /** Takes the step, again where a helper gave a wrong gradient: others of that helper may be in the sums. */
  async #learnt(batch: Batch, base: SharedTensors, signal?: AbortSignal): Promise<LearnResult> {
    for (let tries = 0; ; tries++) {
      const ports = this.#ports(batch.parent, tries < TRIES_WITH_HELPERS);
      const withdraw = (): void => ports.forEach((port) => port.withdraw());
      signal?.addEventListener('abort', withdraw);
      try {
        return await this.#taught(batch, base, ports, signal);
      } catch (error) {
        if (!(error instanceof WrongGradientError)) throw error;
      } finally {
        signal?.removeEventListener('abort', withdraw);
        for (const port of ports) port.close();
      }
    }
  }

  /** One for each thread; none where no helper can compute. */
  #ports(parent: number, mayShare: boolean): readonly PassPort[] {
    const helpers = this.#helpers;
    if (!mayShare || helpers?.areReady() !== true) return [];
    return this.#pools.map(() => new PassPort(helpers, (weights) => this.#refOf(parent, weights)));
  }

  /** All threads take the step; the first one gives its result. */
  async #taught(
    batch: Batch,
    base: SharedTensors,
    ports: readonly PassPort[],
    signal?: AbortSignal,
  ): Promise<LearnResult> {
    const state = this.#versions.get(batch.parent);
    const { learnSeconds: seconds } = this.#options.timeouts;
    const memory = this.#rankMemory(batch, state);
    const lesson = (rank: number) => {
      const ranks = memory && { ...memory, rank };
      return { batch, state, base, id, ...(ranks && { ranks }), ...(ports[rank] && { helpers: ports[rank].far }) };
    };
    const [doing, id] = [`learning version ${batch.parent + 1} from ${batch.groups.length} groups`, randomUUID()];
    const failed = (error: unknown): never => {
      if (memory) failRanks(memory); // the others do not wait for this thread
      throw error;
    };
    const run = <C extends LearnCall | AssistCall>(pool: WorkerPool, call: C) =>
      pool.run(call, { doing, seconds, signal, ...(call.helpers && { transfer: [call.helpers] }) }).catch(failed);
    const [first, ...others] = this.#pools;
    const spare = this.#versions.takeSpare();
    const learnt = run(first!, { type: 'learn', ...lesson(0), spare });
    const assisted = others.map((pool, i) => run(pool, { type: 'assist', ...lesson(i + 1) }));
    const settled = await Promise.allSettled([learnt, ...assisted]);
    const errors = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []));
    if (errors.length === 0) return learnt;
    this.#slots = []; // a thread that was left behind may still write there
    throw errors.find(({ message }) => message !== ANOTHER_FAILED) ?? errors[0]!;
  }

  /** Undefined for a thread that learns alone. */
  #rankMemory({ groups }: Batch, { weights }: SharedState): Omit<RankMemory, 'rank'> | undefined {
    const { length } = this.#pools;
    if (length === 1) return undefined;
    const samples = groups.flatMap(({ group }) => group.samples);
    const tokens = samples.reduce((sum, sample) => sum + sample.tokens.length, 0);
    const size = slotBytes(weights.buffer.byteLength / Float32Array.BYTES_PER_ELEMENT, tokens, samples.length);
    if (this.#slots.length === 0 || this.#slots[0]!.byteLength < size)
      this.#slots = Array.from({ length }, () => new SharedArrayBuffer(size));
    return rankMemory(this.#slots, this.#options.timeouts.learnSeconds);
  }

  async publish(n: number): Promise<WeightsRef> {
    return this.#refOf(n, this.#versions.get(n).weights);
  }

  /** @param weights of version `n`, or those within the step that begins there, which no other step overwrites */
  #refOf(n: number, weights: SharedTensors): WeightsRef {
    const { baseFolder: folder, adapter } = this.#options.setup;
    const state = this.#versions.get(n);
    const isKept = (): boolean => weights.id !== state.weights.id || this.#versions.has(n, state);
    return new SharedWeights(n, weights, { folder, adapter: adapter?.settings }, isKept);
  }

  async save(n: number, folder: string): Promise<void> {
    const state = this.#versions.get(n);
    await this.#pools[0]!.run(
      { type: 'save', version: n, state, folder },
      { doing: `saving version ${n} to ${folder}`, seconds: this.#options.timeouts.saveSeconds },
    );
  }

  async restore(folder: string, from: number, as: number): Promise<void> {
    const state = await this.#pools[0]!.run(
      { type: 'load', checkpoint: { version: from, folder } },
      { doing: `loading version ${from} from ${folder}`, seconds: this.#options.timeouts.openSeconds },
    );
    this.#versions.publish(as, state);
  }

  shareWith(helpers: Helpers): void {
    this.#helpers = helpers;
  }

  retain(n: number): void {
    this.#versions.retain(n);
  }

  release(n: number): void {
    this.#versions.release(n);
  }

  onNote(listener: (text: string) => void): void {
    for (const pool of this.#pools) pool.note = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool[Symbol.asyncDispose]()));
  }
}
