/**
 * The sampler on this machine: threads that hold the model. Each call hands a thread all that it needs, so a thread
 * that dies takes nothing with it.
 */
import { WorkerPool } from '../../compute/threads/pool.ts';
import type { RolloutSetup } from '../../compute/threads/rollout-worker.ts';
import type { SampleReply, SampleRequest } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Sampler, WeightsOf } from '../sampler.ts';
import { WeightsReader } from './weights.ts';

export interface SamplerOptions {
  readonly setup: RolloutSetup;
  readonly workers: number;
  readonly timeouts: { readonly openSeconds: number; readonly sampleSeconds: number };
}

/** Maximum of waiting tasks per thread: more than the loop ever has in flight. */
export const QUEUE_PER_THREAD = 16;

export class LocalSampler implements Sampler {
  readonly #options: SamplerOptions;
  readonly #weightsOf: WeightsOf | undefined;
  readonly #reader = new WeightsReader();
  readonly #pool: WorkerPool;
  #base: SharedTensors | undefined;

  /** @param weightsOf absent: the base, version 0, is the only version. */
  constructor(options: SamplerOptions, weightsOf?: WeightsOf) {
    const { setup, workers, timeouts } = options;
    this.#options = options;
    this.#weightsOf = weightsOf;
    this.#pool = new WorkerPool({
      setup,
      threads: workers,
      maxQueue: QUEUE_PER_THREAD * workers,
      startSeconds: timeouts.openSeconds,
    });
  }

  async open(): Promise<void> {
    await this.#pool.ready();
    this.#base = await this.#pool.run(
      { type: 'base' },
      { doing: 'loading the model', seconds: this.#options.timeouts.openSeconds },
    );
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    if (!this.#base) throw new RangeError('the sampler is not open');
    const { version, questions } = request;
    return this.#pool.run(
      { type: 'sample', request, weights: await this.#weights(version, this.#base), base: this.#base },
      {
        doing: `sampling ${questions.length} questions with version ${version}`,
        seconds: this.#options.timeouts.sampleSeconds,
        signal,
      },
    );
  }

  async #weights(version: number, base: SharedTensors): Promise<SharedTensors> {
    if (this.#weightsOf) return this.#reader.read(await this.#weightsOf(version));
    if (version === 0) return base;
    throw new RangeError(`version ${version} was asked for, but only the base, version 0, is loaded`);
  }

  onNote(listener: (text: string) => void): void {
    this.#pool.note = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
