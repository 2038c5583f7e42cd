/** The stages wait here while the loop is paused or admits nothing, and learn here that it stops. */

import { setImmediate } from 'node:timers/promises';
import { CancelledError } from '../src/protocol/errors.ts';

export class Gate {
  readonly #stop: AbortSignal;
  #inHand = 0;
  #open = true;
  #holds = 0;
  #wakers: (() => void)[] = [];

  /** Once `stop` aborts, all waits here end. */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
    stop.addEventListener('abort', () => this.#wake(), { once: true });
  }

  open(): void {
    this.#open = true;
    this.#wake();
  }

  close(): void {
    this.#open = false;
  }

  /**
   * Until the returned function is called, nothing is admitted, and admitted work continues even while the gate is
   * closed.
   */
  hold(): () => void {
    this.#holds += 1;
    this.#wake();
    return () => {
      this.#holds -= 1;
      this.#wake();
    };
  }

  /** Whether something new may be admitted now. */
  get admits(): boolean {
    return this.#open && this.#holds === 0 && !this.#stop.aborted;
  }

  /** Waits until something new may be admitted. True: continue; false: the loop stops, so start no new work. */
  async passNew(): Promise<boolean> {
    while (!this.admits && !this.#stop.aborted) await this.#woken();
    return !this.#stop.aborted;
  }

  /** Waits until admitted work may continue. True: continue; false: the loop stops, so start no new work. */
  async pass(): Promise<boolean> {
    while (!this.#open && this.#holds === 0 && !this.#stop.aborted) await this.#woken();
    return !this.#stop.aborted;
  }

  /** Until the returned function is called, a closed gate is not still. */
  enter(): () => void {
    this.#inHand += 1;
    return () => {
      this.#inHand -= 1;
      this.#wake();
    };
  }

  /** `work`, in hand for as long as it runs. */
  counted<A extends readonly unknown[], R>(work: (...args: A) => Promise<R>): (...args: A) => Promise<R> {
    return async (...args) => {
      const leave = this.enter();
      try {
        return await work(...args);
      } finally {
        leave();
      }
    };
  }

  /** Whether the gate is closed and nothing is in hand. */
  get isStill(): boolean {
    return !this.#open && this.#inHand === 0 && this.#holds === 0;
  }

  /**
   * Resolves when the gate is still: true; or is opened first: false. @throws CancelledError when the loop stops first.
   */
  async stilled(): Promise<boolean> {
    await setImmediate(); // an item that has passed the gate is in hand a few microtasks later
    while (!this.isStill && !this.#open && !this.#stop.aborted) await this.#woken();
    if (this.#stop.aborted) throw new CancelledError('the daemon stops');
    return !this.#open;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve));
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
