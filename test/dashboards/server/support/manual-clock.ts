/** Time that passes when the test says so. */
import type { Clock } from '../../../../dashboards/server/clock.ts';

export class ManualClock implements Clock {
  #now = 1_767_268_800_000;
  #worked = 0;
  readonly #timers = new Set<{ readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }

  fine(): number {
    return this.#worked;
  }

  /** The work in hand has taken so long. */
  work(milliseconds: number): void {
    this.#worked += milliseconds;
  }

  after(milliseconds: number, work: () => void): () => void {
    const timer = { at: this.#now + milliseconds, work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.work();
    }
    this.#now = end;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.size;
  }

  #next(end: number) {
    return [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)[0];
  }
}
