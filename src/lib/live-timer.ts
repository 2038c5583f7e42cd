/**
 * Timers that count only the time in which this process ran. A process that was stopped (SIGSTOP, `docker pause`, a
 * virtual machine put to sleep) wakes with every timer overdue before the suspended work could run; that must not count
 * as a missed deadline. The wait is cut into beats; a beat that ends much too late shows a suspension. Nothing here
 * reads the wall clock.
 */

/** Of the timers' own kind; a test brings another. */
export interface TimeSource {
  /** Milliseconds since any moment; never set back. */
  readonly now: () => number;
  readonly setTimeout: (callback: () => void, milliseconds: number) => unknown;
  readonly clearTimeout: (timer: never) => void;
}

const BEAT_MILLISECONDS = 1000;
/** A beat that ends this late means that the process was suspended, not merely busy. */
const STANDSTILL_MILLISECONDS = 1000;
/** How often the last beat of one wait may restart: bounds the wait even if every beat ends late. */
const MOST_ANEW = 10;

const REAL: TimeSource = {
  now: () => performance.now(),
  setTimeout: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

export class LiveTimer {
  readonly #callback: () => void;
  readonly #time: TimeSource;
  #remaining: number;
  #anew = 0;
  #timer: unknown;

  /** Calls back once, after at least `milliseconds` in which the process ran. */
  constructor(callback: () => void, milliseconds: number, time: TimeSource = REAL) {
    this.#callback = callback;
    this.#time = time;
    this.#remaining = milliseconds;
    this.#wait();
  }

  cancel(): void {
    this.#time.clearTimeout(this.#timer as never);
  }

  #wait(): void {
    const [begun, beat] = [this.#time.now(), Math.min(this.#remaining, BEAT_MILLISECONDS)];
    this.#timer = this.#time.setTimeout(() => this.#count(this.#time.now() - begun, beat), beat);
  }

  #count(passed: number, beat: number): void {
    const stoodStill = passed - beat > STANDSTILL_MILLISECONDS;
    const isLast = beat === this.#remaining;
    if (!(stoodStill && isLast && this.#anew++ < MOST_ANEW))
      this.#remaining -= stoodStill ? beat : Math.max(passed, beat);
    if (this.#remaining > 0) this.#wait();
    else this.#callback();
  }
}
