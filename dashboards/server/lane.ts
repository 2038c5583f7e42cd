/** Runs the work of one client one item at a time; a full queue refuses more. */
export class Lane {
  readonly #bound: number;
  readonly #onMoved: () => void;
  readonly #waiting: (() => Promise<void>)[] = [];
  #isBusy = false;

  /** @param bound of waiting items, the running one not counted. @param onMoved called after each item. */
  constructor(bound: number, onMoved: () => void) {
    this.#bound = bound;
    this.#onMoved = onMoved;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param work must not reject. @returns false when the queue is full; `work` never runs then. */
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
