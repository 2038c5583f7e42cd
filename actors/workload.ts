/** How much an actor does: items since the process started, and how busy it was over the last minute. */
import { LastMinute } from '../src/lib/last-minute.ts';

const SECOND = 1_000;
const MINUTE = 60_000;

export class Workload {
  readonly #now: () => number;
  readonly #busy = new LastMinute(); // milliseconds
  readonly #done = new LastMinute();
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
    this.#done.add(this.#at, 1);
  }

  /** Over the 59 whole seconds before this one and the elapsed part of it, or since its start if that is shorter. */
  read(): { readonly items: number; readonly itemsPerSecond: number; readonly busy: number } {
    this.#advance();
    const window = this.#at - Math.max(this.#began, startOf(this.#at) + SECOND - MINUTE);
    const over = (sums: LastMinute) => (window > 0 ? sums.sum(this.#at) / window : 0);
    return { items: this.#items, itemsPerSecond: over(this.#done) * SECOND, busy: Math.min(1, over(this.#busy)) };
  }

  /** Books the time since the last call, second by second; a clock that is set back is waited for. */
  #advance(): void {
    const now = this.#now();
    while (this.#at < now) {
      const from = Math.max(this.#at, startOf(now) - MINUTE); // what is older counts no more
      const to = Math.min(now, startOf(from) + SECOND);
      if (this.#working) this.#busy.add(from, to - from);
      this.#at = to;
    }
  }
}

function startOf(at: number): number {
  return at - (at % SECOND);
}
