/**
 * Limits the main-thread time spent on pages, because the loop needs the same thread. The time of each piece of work is
 * measured and charged to a budget that refills at a fixed rate; while the budget is overdrawn, work waits in order.
 * Work runs in short slices, so that the loop runs in between.
 */
import type { Clock } from './clock.ts';

/** Most milliseconds that an idle budget saves up, because a page that opens asks for much at once. */
const MOST_SAVED = 250;
/** Milliseconds of work in one slice. */
const SLICE = 10;

export class Turns {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #waiting: (() => void)[] = [];
  #left = MOST_SAVED;
  #at: number;
  #slice = 0;
  #isMeasuring = false;
  #isPlanned = false;

  /** @param perSecond main-thread milliseconds a second. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /**
   * Runs the work in its turn: at once if there is time and nothing waits. @param later milliseconds that the work will
   * take after it returns, which cannot be measured.
   */
  take(work: () => void, later = 0): void {
    const measured = () => {
      this.#left -= later;
      this.measure(work);
    };
    if (this.#waiting.length === 0 && this.#hasTime()) return measured();
    this.#waiting.push(measured);
    this.#plan();
  }

  /** Runs the work in its turn; resolves when it is done. */
  done(work: () => Promise<void> | void, later = 0): Promise<void> {
    return new Promise((resolve) => this.take(() => resolve(work()), later));
  }

  /** Runs the work at once and charges its time. */
  measure<T>(work: () => T): T {
    if (this.#isMeasuring) return work();
    const from = this.#clock.fine();
    this.#isMeasuring = true;
    try {
      return work();
    } finally {
      this.#isMeasuring = false;
      const took = this.#clock.fine() - from;
      this.#left -= took;
      this.#slice += took;
      if (took > 0) this.#plan();
    }
  }

  #hasTime(): boolean {
    const now = this.#clock.now();
    this.#left = Math.min(MOST_SAVED, this.#left + (Math.max(0, now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    return this.#left > 0 && this.#slice < SLICE;
  }

  /** Schedules the next slice: in the next turn of the event loop, or when the budget is no longer overdrawn. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const wait = this.#left > 0 ? 0 : Math.floor((-this.#left / this.#perSecond) * 1000) + 1;
    this.#clock.after(wait, () => {
      this.#isPlanned = false;
      this.#slice = 0;
      try {
        while (this.#waiting.length > 0 && this.#hasTime()) this.#waiting.shift()!();
      } finally {
        if (this.#waiting.length > 0) this.#plan();
      }
    });
  }
}
