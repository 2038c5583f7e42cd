/** Work of one client, done one after the other; what does not fit in the queue is turned away. */
export class Lane {
  readonly #bound: number;
  readonly #onMoved: () => void;
  readonly #waiting: (() => Promise<void>)[] = [];
  #isBusy = false;

  /** @param bound how many may wait, the one in hand not counted. @param onMoved called when one was done. */
  constructor(bound: number, onMoved: () => void) {
    this.#bound = bound;
    this.#onMoved = onMoved;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param work must not fail. @returns false when the queue is full; nothing is done then. */
  add(work: () => Promise<void>): boolean {
    if (this.#waiting.length >= this.#bound) return false;
    this.#waiting.push(work);
    if (!this.#isBusy) void this.#run();
    return true;
  }

  clear(): void {
    this.#waiting.length = 0;
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      await work();
      this.#onMoved();
    }
    this.#isBusy = false;
  }
}
