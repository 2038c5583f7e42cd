/** A rate limit: a bucket of `size` tokens that fills at `perSecond`. */
import type { Clock } from './clock.ts';

export class Bucket {
  readonly #size: number;
  readonly #perSecond: number;
  readonly #clock: Pick<Clock, 'now'>;
  #tokens: number;
  #at: number;

  constructor(size: number, perSecond: number, clock: Pick<Clock, 'now'>) {
    this.#size = size;
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#tokens = size;
    this.#at = clock.now();
  }

  get isEmpty(): boolean {
    this.#fill();
    return this.#tokens < 1;
  }

  get isFull(): boolean {
    this.#fill();
    return this.#tokens >= this.#size;
  }

  /** @returns false when the bucket is empty. */
  take(): boolean {
    if (this.isEmpty) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Credits the time since `from`, when the reader was paused, even beyond a full bucket. */
  held(from: number): void {
    this.#fill();
    this.#tokens += (Math.max(0, this.#at - from) / 1000) * this.#perSecond;
  }

  #fill(): void {
    const now = this.#clock.now();
    const filled = this.#tokens + (Math.max(0, now - this.#at) / 1000) * this.#perSecond;
    this.#tokens = Math.max(this.#tokens, Math.min(this.#size, filled));
    this.#at = now;
  }
}
