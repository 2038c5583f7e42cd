/** Weights in shared memory: published once by the learner's thread, read by all others. */
import { randomUUID } from 'node:crypto';
import { f32, type TensorMap } from '../protocol/tensor.ts';
import type { SharedState, SharedTensors } from '../protocol/worker.ts';
import type { TrainerState } from './trainer.ts';

export function share(tensors: TensorMap): SharedTensors {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    const entry = { name, shape, offset };
    offset += data.length;
    return entry;
  });
  const buffer = new SharedArrayBuffer(4 * offset);
  const floats = new Float32Array(buffer);
  for (const { name, offset: start } of entries) floats.set(tensors[name]!.data, start);
  return { id: randomUUID(), buffer, entries };
}

/** Views of the shared memory: copy before writing. */
export function shared({ buffer, entries }: SharedTensors): TensorMap {
  const floats = new Float32Array(buffer);
  return Object.fromEntries(
    entries.map(({ name, shape, offset }) => {
      const size = shape.reduce((product, dim) => product * dim, 1);
      return [name, f32(shape, floats.subarray(offset, offset + size))];
    }),
  );
}

export function shareState({ weights, moments, updates }: TrainerState): SharedState {
  return { weights: share(weights), firstMoments: share(moments.first), secondMoments: share(moments.second), updates };
}

export function sharedState(state: SharedState): TrainerState {
  return {
    weights: shared(state.weights),
    moments: { first: shared(state.firstMoments), second: shared(state.secondMoments) },
    updates: state.updates,
  };
}

/**
 * Versions in memory. The newest stays; an older one stays while somebody retains it. What is dropped here is freed once no worker reads
 * it any more: shared memory lives as long as its last view.
 */
export class Versions {
  readonly #states = new Map<number, SharedState>();
  readonly #holds = new Map<number, number>();
  #current = -1;

  /** @throws RangeError before the first version is published. */
  get current(): number {
    if (this.#current < 0) throw new RangeError('no version is published yet: open the policy first');
    return this.#current;
  }

  /** Versions whose weights are in memory. */
  get kept(): readonly number[] {
    return [...this.#states.keys()];
  }

  /** @throws RangeError when the version is gone. */
  get(n: number): SharedState {
    const state = this.#states.get(n);
    if (!state) throw new RangeError(`version ${n} is not in memory; kept are ${this.kept.join(', ') || 'none'}: retain a version before using it`);
    return state;
  }

  /** Makes `n` the newest version. */
  publish(n: number, state: SharedState): void {
    const previous = this.#current;
    this.#states.set(n, state);
    this.#current = n;
    this.#dropIfFree(previous);
  }

  retain(n: number): void {
    this.get(n);
    this.#holds.set(n, (this.#holds.get(n) ?? 0) + 1);
  }

  /** @throws RangeError when it was released more often than retained. */
  release(n: number): void {
    const holds = this.#holds.get(n) ?? 0;
    if (holds === 0) throw new RangeError(`version ${n} was released more often than it was retained`);
    if (holds === 1) this.#holds.delete(n);
    else this.#holds.set(n, holds - 1);
    this.#dropIfFree(n);
  }

  #dropIfFree(n: number): void {
    if (n !== this.#current && !this.#holds.has(n)) this.#states.delete(n);
  }
}
