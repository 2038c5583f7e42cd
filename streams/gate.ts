/** Where the stages wait while the loop is paused or admits nothing, and where they learn that it stops. */

export class Gate {
  readonly #stop: AbortSignal;
  #open = true;
  #holds = 0;
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

  /** Until the returned function is called, nothing is admitted, and what was admitted goes on even while the gate is closed. */
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

  /** Waits until something new may be admitted. True: go on; false: the loop stops, begin nothing new. */
  async passNew(): Promise<boolean> {
    while (!this.admits && !this.#stop.aborted) await this.#woken();
    return !this.#stop.aborted;
  }

  /** Waits until what was admitted may go on. True: go on; false: the loop stops, begin nothing new. */
  async pass(): Promise<boolean> {
    while (!this.#open && this.#holds === 0 && !this.#stop.aborted) await this.#woken();
    return !this.#stop.aborted;
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
