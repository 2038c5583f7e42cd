/**
 * The main thread is the loop's too, so what pages ask for gets a share of its time. Work is measured, and what it took
 * is paid back before the next begins; meanwhile work waits, first come, first served. A little at a time: the loop has
 * its turn between.
 */
import type { Clock } from './clock.ts';

/** Milliseconds that are saved up while nothing is asked: a page that opens asks for much at once. */
const MOST_SAVED = 250;
/** Milliseconds of work before the loop has its turn. */
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

  /** @param perSecond milliseconds of the main thread. */
  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#at = clock.now();
  }

  /**
   * Does the work in its turn: at once where there is time and nothing waits. `besides`: milliseconds that it takes
   * later, and that cannot be measured.
   */
  take(work: () => void, besides = 0): void {
    const measured = () => {
      this.#left -= besides;
      this.measure(work);
    };
    if (this.#waiting.length === 0 && this.#hasTime()) return measured();
    this.#waiting.push(measured);
    this.#plan();
  }

  /** Does the work in its turn, and resolves when it is done. */
  done(work: () => Promise<void> | void, besides = 0): Promise<void> {
    return new Promise((resolve) => this.take(() => resolve(work()), besides));
  }

  /** Does the work at once, and counts its time. */
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

  /** The next slice begins in a moment, or when the debt is paid. */
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
