/**
 * The exchange between learner threads of one step, through shared memory: each thread writes to a slot of its own, and
 * reads the slots of all once all have written. A thread that waits for one that failed gets an error.
 */
import { deserialize, serialize } from 'node:v8';
import { TimeoutError, WorkerError } from '../../protocol/errors.ts';
import type { RankMemory } from '../../protocol/worker.ts';
import { progress } from '../engine/native.ts';
import type { Ranks } from '../training/ranks.ts';

/** Places in `RankMemory.flags`: threads that have arrived, over all exchanges; a failure; a count that rises with progress. */
const ARRIVED = 0;
const FAILED = 1;
const PROGRESS = 2;
const FLAGS = 3;

/** Message of a thread that waited for one that failed. */
export const ANOTHER_FAILED = 'another learner thread failed in this step';
/** A waiting thread looks up this often. */
const LOOK_MILLISECONDS = 200;
/** Bytes of the length before a value. */
const LENGTH_BYTES = 4;

/** Bytes of a slot that holds the gradients of so many weights, or the log-probabilities of so many tokens. */
export function slotBytes(weights: number, tokens: number, responses: number): number {
  const [aToken, aResponse, rest] = [16, 128, 65_536];
  return Math.max(4 * weights, 4 * Math.ceil((aToken * tokens + aResponse * responses + rest) / 4));
}

/** Makes the memory of one step. @param slots one a thread, without readers */
export function rankMemory(slots: readonly SharedArrayBuffer[], seconds: number): Omit<RankMemory, 'rank'> {
  return { flags: new Int32Array(new SharedArrayBuffer(4 * FLAGS)), slots, seconds };
}

/** Ends the waits of the other threads: the step cannot be completed. */
export function failRanks({ flags }: Pick<RankMemory, 'flags'>): void {
  Atomics.store(flags, FAILED, 1);
  Atomics.notify(flags, ARRIVED);
}

export class SharedRanks implements Ranks {
  readonly rank: number;
  readonly count: number;
  readonly #memory: RankMemory;
  #exchanges = 0;

  constructor(memory: RankMemory) {
    this.rank = memory.rank;
    this.count = memory.slots.length;
    this.#memory = memory;
  }

  readonly progress = (): void => {
    Atomics.add(this.#memory.flags, PROGRESS, 1);
  };

  gather<T>(value: T): T[] {
    const bytes = serialize(value);
    const own = this.#slot(this.rank);
    if (bytes.length + LENGTH_BYTES > own.byteLength)
      throw new RangeError(`a slot of ${own.byteLength} bytes is too small for ${bytes.length} of a learner thread`);
    new DataView(own.buffer).setUint32(0, bytes.length);
    own.set(bytes, LENGTH_BYTES);
    this.#meet();
    const all = this.#memory.slots.map((slot) => {
      const length = new DataView(slot).getUint32(0);
      return deserialize(Buffer.from(new Uint8Array(slot, LENGTH_BYTES, length))) as T;
    });
    this.#meet();
    return all;
  }

  sum(arrays: readonly Float32Array[]): void {
    this.#each(this.rank, arrays, (slot, array) => slot.set(array));
    this.#meet();
    for (const array of arrays) array.fill(0);
    for (let rank = 0; rank < this.count; rank++)
      this.#each(rank, arrays, (slot, array) => {
        for (let i = 0; i < array.length; i++) array[i]! += slot[i]!;
      });
    this.#meet();
  }

  #slot(rank: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#memory.slots[rank]!);
  }

  #each(rank: number, arrays: readonly Float32Array[], visit: (slot: Float32Array, array: Float32Array) => void): void {
    let offset = 0;
    for (const array of arrays) {
      visit(new Float32Array(this.#memory.slots[rank]!, offset, array.length), array);
      offset += array.byteLength;
    }
  }

  /**
   * Waits until every thread has come as far. Blocks this thread, which has nothing else to do.
   * @throws WorkerError when another thread failed, TimeoutError when none makes progress
   */
  #meet(): void {
    const { flags, seconds } = this.#memory;
    this.#exchanges += 1;
    Atomics.add(flags, ARRIVED, 1);
    Atomics.notify(flags, ARRIVED);
    let seen = -1;
    let deadline = 0;
    for (;;) {
      if (Atomics.load(flags, FAILED) !== 0) throw new WorkerError(ANOTHER_FAILED);
      const arrived = Atomics.load(flags, ARRIVED);
      if (arrived >= this.count * this.#exchanges) return;
      const now = Atomics.load(flags, PROGRESS);
      if (now !== seen) {
        seen = now;
        deadline = performance.now() + 1000 * seconds;
        progress();
      }
      if (performance.now() > deadline)
        throw new TimeoutError(`waiting for the other learner threads: no progress in ${seconds} s`);
      Atomics.wait(flags, ARRIVED, arrived, LOOK_MILLISECONDS);
    }
  }
}
