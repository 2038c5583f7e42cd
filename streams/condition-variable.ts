/** Waits until a condition on the running loop holds, then acts synchronously, before the condition can change. */
import { CancelledError } from '../src/protocol/errors.ts';

export class ConditionVariable {
  readonly #stop: AbortSignal;
  readonly #checks = new Set<() => void>();

  /** Once `stop` aborts, all waits here end. */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener('abort', () => this.moved(), { once: true });
  }

  /**
   * Runs `act` as soon as `condition` holds. @throws CancelledError when the loop stops first, and what `act` throws.
   */
  when<T>(condition: () => boolean, act: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!this.#stop.aborted && !condition()) return;
        this.#checks.delete(check);
        try {
          if (this.#stop.aborted) throw new CancelledError('the daemon stops');
          resolve(act());
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      this.#checks.add(check);
      check();
    });
  }

  /** Call when something changed that a condition may depend on. */
  moved(): void {
    for (const check of this.#checks) check();
  }
}
