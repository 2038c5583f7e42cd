/** Weights in shared memory: published once by the learner's thread, read by all others. */
import { randomUUID } from 'node:crypto';
import { UnsoundStepError } from '../../protocol/errors.ts';
import { f32, type TensorMap } from '../../protocol/tensor.ts';
import type { SharedState, SharedTensors } from '../../protocol/worker.ts';
import type { TrainerState } from '../training/trainer.ts';

/** Copies tensors to shared memory: to that of `reuse`, if its size fits and it has no reader. */
export function share(tensors: TensorMap, reuse?: SharedTensors, id: string = randomUUID()): SharedTensors {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, { shape, data }]) => {
    const entry = { name, shape, offset };
    offset += data.length;
    return entry;
  });
  const buffer = reuse?.buffer.byteLength === 4 * offset ? reuse.buffer : new SharedArrayBuffer(4 * offset);
  const floats = new Float32Array(buffer);
  for (const { name, offset: start } of entries) floats.set(tensors[name]!.data, start);
  return { id, buffer, entries };
}

/** Name of a tensor with a number that is not finite; undefined when all are finite. */
function notFinite(tensors: TensorMap): string | undefined {
  return Object.entries(tensors).find(([, { data }]) => {
    let sum = 0;
    for (const value of data) sum += value - value;
    return sum !== 0; // NaN, which is what NaN and infinities leave
  })?.[0];
}

/**
 * @throws UnsoundStepError when weights or moments are not finite, because neither a step nor a sample from them is
 * sound.
 */
export function checkFinite({ weights, moments }: TrainerState, doing: string): void {
  const weight = notFinite(weights);
  const moment = notFinite(moments.first) ?? notFinite(moments.second);
  if (weight === undefined && moment === undefined) return;
  const what = weight === undefined ? `the optimizer's moments of ${moment}` : weight;
  throw new UnsoundStepError(
    `${doing}: ${what} would hold numbers that are not finite; a lower learner.learningRate may help`,
  );
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

export function shareState({ weights, moments, updates }: TrainerState, reuse?: SharedState, id?: string): SharedState {
  return {
    weights: share(weights, reuse?.weights, id),
    firstMoments: share(moments.first, reuse?.firstMoments),
    secondMoments: share(moments.second, reuse?.secondMoments),
    updates,
  };
}

export function sharedState(state: SharedState): TrainerState {
  return {
    weights: shared(state.weights),
    moments: { first: shared(state.firstMoments), second: shared(state.secondMoments) },
    updates: state.updates,
  };
}

/**
 * Versions in memory. The newest stays; an older version stays while a caller retains it. The memory of a dropped
 * version serves the next one (`takeSpare`): the garbage collectors of several threads do not see its size, and without
 * reuse it would pile up for hours.
 */
export class Versions {
  readonly #states = new Map<number, SharedState>();
  readonly #holds = new Map<number, number>();
  #current = -1;
  #spare: SharedState | undefined;

  /** @throws RangeError before the first version is published. */
  get current(): number {
    if (this.#current < 0) throw new RangeError('no version is published yet: open the policy first');
    return this.#current;
  }

  /** Versions whose weights are in memory. */
  get kept(): readonly number[] {
    return [...this.#states.keys()];
  }

  /** Whether `n` is in memory with this state; a number may be reused for another state. */
  has(n: number, state: SharedState): boolean {
    return this.#states.get(n) === state;
  }

  /** @throws RangeError when the version is gone. */
  get(n: number): SharedState {
    const state = this.#states.get(n);
    if (!state)
      throw new RangeError(
        `version ${n} is not in memory; kept are ${this.kept.join(', ') || 'none'}: retain a version before using it`,
      );
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

  /** Memory of a dropped version without readers, to write a new version to; undefined when there is no such version. */
  takeSpare(): SharedState | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  #dropIfFree(n: number): void {
    if (n === this.#current || this.#holds.has(n)) return;
    const state = this.#states.get(n);
    // Version 0 of a fresh run is the frozen base itself: never reuse its memory.
    if (n > 0) this.#spare = state;
    this.#states.delete(n);
  }
}
