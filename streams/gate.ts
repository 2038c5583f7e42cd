/** Where the stages wait while the loop is paused, and where they learn that it stops. */

export class Gate {
  readonly #stop: AbortSignal;
  #open = true;
  #wakers: (() => void)[] = [];

  /** Once `stop` aborts nobody waits here any more. */
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

  /** Waits while the gate is closed. True: go on; false: the loop stops, begin nothing new. */
  async pass(): Promise<boolean> {
    while (!this.#open && !this.#stop.aborted) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    return !this.#stop.aborted;
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
