/**
 * The sampler on this machine: threads that hold the model. Each call hands a thread all that it needs, so a thread
 * that dies takes nothing with it.
 */
import { WorkerPool } from '../../compute/threads/pool.ts';
import type { RolloutSetup } from '../../compute/threads/rollout-worker.ts';
import type { SampleReply, SampleRequest } from '../../protocol/ports.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Sampler, WeightsOf } from '../sampler.ts';
import type { Device } from './devices.ts';
import { WeightsReader } from './weights.ts';

export interface SamplerOptions {
  readonly setup: Omit<RolloutSetup, keyof Device>;
  /** One for each thread. */
  readonly devices: readonly Device[];
  readonly timeouts: { readonly openSeconds: number; readonly sampleSeconds: number };
}

/** Maximum of waiting tasks per thread: more than the loop ever has in flight. */
export const QUEUE_PER_THREAD = 16;

export class LocalSampler implements Sampler {
  readonly #options: SamplerOptions;
  readonly #weightsOf: WeightsOf | undefined;
  readonly #reader = new WeightsReader();
  /** One a device. */
  readonly #pools: readonly WorkerPool[];
  #base: SharedTensors | undefined;

  /** @param weightsOf absent: the base, version 0, is the only version. */
  constructor(options: SamplerOptions, weightsOf?: WeightsOf) {
    const { setup, devices, timeouts } = options;
    this.#options = options;
    this.#weightsOf = weightsOf;
    const distinct = new Map(devices.map((device) => [JSON.stringify(device), device]));
    this.#pools = [...distinct].map(([name, device]) => {
      const threads = devices.filter((each) => JSON.stringify(each) === name).length;
      const [maxQueue, startSeconds] = [QUEUE_PER_THREAD * threads, timeouts.openSeconds];
      return new WorkerPool({ setup: { ...setup, ...device }, threads, maxQueue, startSeconds });
    });
  }

  async open(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.ready()));
    this.#base = await this.#pools[0]!.run(
      { type: 'base' },
      { doing: 'loading the model', seconds: this.#options.timeouts.openSeconds },
    );
  }

  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    if (!this.#base) throw new RangeError('the sampler is not open');
    const { version, questions } = request;
    const weights = await this.#weights(version, this.#base);
    // The samples do not depend on the thread that draws them.
    const pool = this.#pools.toSorted((a, b) => a.load - b.load)[0]!;
    return pool.run(
      { type: 'sample', request, weights, base: this.#base },
      {
        doing: `sampling ${questions.length} questions with version ${version}`,
        seconds: this.#options.timeouts.sampleSeconds,
        signal,
      },
    );
  }

  async score(
    request: SampleRequest,
    responses: readonly (readonly (readonly number[])[])[],
    signal?: AbortSignal,
  ): Promise<readonly (readonly (readonly number[])[])[]> {
    if (!this.#base) throw new RangeError('the sampler is not open');
    const weights = await this.#weights(request.version, this.#base);
    const pool = this.#pools.toSorted((a, b) => a.load - b.load)[0]!;
    const doing = `scoring ${responses.length} groups with version ${request.version}`;
    const { sampleSeconds: seconds } = this.#options.timeouts;
    return pool.run({ type: 'score', request, weights, responses }, { doing, seconds, signal });
  }

  async #weights(version: number, base: SharedTensors): Promise<SharedTensors> {
    if (this.#weightsOf) return this.#reader.read(await this.#weightsOf(version));
    if (version === 0) return base;
    throw new RangeError(`version ${version} was asked for, but only the base, version 0, is loaded`);
  }

  onNote(listener: (text: string) => void): void {
    for (const pool of this.#pools) pool.note = listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool[Symbol.asyncDispose]()));
  }
}
