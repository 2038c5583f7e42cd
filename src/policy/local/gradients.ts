/** Computes gradients of passes in threads of this process, for a learner elsewhere. */
import type { LearnerSetup } from '../../compute/threads/learner-worker.ts';
import { WorkerPool } from '../../compute/threads/pool.ts';
import type { GradientRequest, PassGradient } from '../../protocol/passes.ts';
import type { WeightsRef } from '../../protocol/ports.ts';
import type { Gradients } from '../helpers.ts';
import type { Device } from './devices.ts';
import { QUEUE_PER_THREAD } from './sampler.ts';
import { WeightsReader } from './weights.ts';

export interface GradientsOptions {
  readonly setup: Omit<LearnerSetup, keyof Device>;
  /** One for each thread. */
  readonly devices: readonly Device[];
  readonly timeouts: { readonly openSeconds: number; readonly learnSeconds: number };
}

export class LocalGradients implements Gradients {
  readonly #pools: readonly WorkerPool[];
  readonly #reader = new WeightsReader();
  readonly #seconds: number;

  constructor({ setup, devices, timeouts }: GradientsOptions) {
    const [startSeconds, maxQueue] = [timeouts.openSeconds, QUEUE_PER_THREAD];
    this.#seconds = timeouts.learnSeconds;
    this.#pools = devices.map(
      (device) => new WorkerPool({ startSeconds, setup: { ...setup, ...device }, threads: 1, maxQueue }),
    );
  }

  async open(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.ready()));
  }

  async gradient(ref: WeightsRef, request: GradientRequest, signal?: AbortSignal): Promise<PassGradient> {
    const weights = await this.#reader.read(ref);
    const pool = this.#pools.toSorted((a, b) => a.load - b.load)[0]!;
    const doing = `computing a gradient of ${request.groups.length} groups with version ${ref.version}`;
    return pool.run({ type: 'gradient', weights, request }, { doing, seconds: this.#seconds, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool[Symbol.asyncDispose]()));
  }
}
