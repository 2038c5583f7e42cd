/** A model that is only asked (`quorum eval`, `quorum ask`): samplers' threads, no learner. Its one version is 0. */
import { WorkerPool } from '../../compute/threads/pool.ts';
import type { RolloutSetup } from '../../compute/threads/rollout-worker.ts';
import type { SharedTensors } from '../../protocol/worker.ts';
import type { Policy, SampleReply, SampleRequest } from '../policy.ts';

export interface SamplingOptions {
  readonly setup: RolloutSetup;
  readonly workers: number;
  readonly timeouts: { readonly openSeconds: number; readonly sampleSeconds: number };
}

/** Tasks that may wait for a thread, for each thread: more than the loop ever has in flight, and finite. */
export const QUEUE_PER_THREAD = 16;

/** The samplers' threads, not started yet. */
export function rolloutPool({ setup, workers, timeouts }: SamplingOptions): WorkerPool {
  return new WorkerPool({ setup, threads: workers, maxQueue: QUEUE_PER_THREAD * workers, startSeconds: timeouts.openSeconds });
}

export class SamplingPolicy implements Pick<Policy, 'sample'>, AsyncDisposable {
  readonly #pool: WorkerPool;
  readonly #weights: SharedTensors;
  readonly #timeouts: SamplingOptions['timeouts'];

  private constructor(pool: WorkerPool, weights: SharedTensors, timeouts: SamplingOptions['timeouts']) {
    this.#pool = pool;
    this.#weights = weights;
    this.#timeouts = timeouts;
  }

  /** @throws InputError for a bad model; no thread is left then. */
  static async open(options: SamplingOptions): Promise<SamplingPolicy> {
    const pool = rolloutPool(options);
    try {
      await pool.ready();
      const weights = await pool.run({ type: 'base' }, { doing: 'loading the model', seconds: options.timeouts.openSeconds });
      return new SamplingPolicy(pool, weights, options.timeouts);
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** @throws RangeError for a version other than 0. */
  async sample(request: SampleRequest, signal?: AbortSignal): Promise<SampleReply> {
    if (request.version !== 0) throw new RangeError(`version ${request.version} was asked for, but only the base, version 0, is loaded`);
    const call = { type: 'sample', request, weights: this.#weights, base: this.#weights } as const;
    return this.#pool.run(call, { doing: `sampling ${request.questions.length} questions`, seconds: this.#timeouts.sampleSeconds, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
