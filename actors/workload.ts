/**
 * How much an actor does: items since the process started, and how busy it was over the last minute, in a ring of
 * one-second slots.
 */

const SLOTS = 60;
const SLOT_MILLISECONDS = 1000;

export class Workload {
  readonly #now: () => number;
  readonly #busy = new Float64Array(SLOTS); // milliseconds worked in each slot
  readonly #done = new Float64Array(SLOTS);
  readonly #began: number;
  #at: number;
  #working = false;
  #items = 0;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
    this.#began = this.#at = now();
  }

  begin(): void {
    this.#advance();
    this.#working = true;
  }

  /** `finished`: the item is done, not to be tried again. */
  end(finished: boolean): void {
    this.#advance();
    this.#working = false;
    if (!finished) return;
    this.#items += 1;
    this.#done[slotOf(this.#at)]! += 1;
  }

  /** Over the 59 whole seconds before this one and the elapsed part of it, or since its start if that is shorter. */
  read(): { readonly items: number; readonly itemsPerSecond: number; readonly busy: number } {
    this.#advance();
    const from = Math.max(this.#began, startOf(this.#at) - (SLOTS - 1) * SLOT_MILLISECONDS);
    const window = this.#at - from;
    const over = (sums: Float64Array) => (window > 0 ? sums.reduce((sum, value) => sum + value, 0) / window : 0);
    return { items: this.#items, itemsPerSecond: over(this.#done) * 1000, busy: Math.min(1, over(this.#busy)) };
  }

  /** Books the time since the last call, slot by slot; a clock that is set back is waited for. */
  #advance(): void {
    const now = this.#now();
    while (this.#at < now) {
      // Entries older than one turn of the ring are overwritten anyway.
      const from = Math.max(this.#at, startOf(now) - SLOTS * SLOT_MILLISECONDS);
      const next = startOf(from) + SLOT_MILLISECONDS;
      const to = Math.min(now, next);
      if (this.#working) this.#busy[slotOf(from)]! += to - from;
      if (to === next) this.#busy[slotOf(next)] = this.#done[slotOf(next)] = 0;
      this.#at = to;
    }
  }
}

function startOf(at: number): number {
  return at - (at % SLOT_MILLISECONDS);
}

function slotOf(at: number): number {
  return Math.floor(at / SLOT_MILLISECONDS) % SLOTS;
}
