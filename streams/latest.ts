/** A queue of one item; a newer item replaces a waiting one. For work that may skip items but must not fall behind. */
export class Latest<T> implements AsyncIterable<T> {
  #item: T | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  /** 0 or 1. */
  get size(): number {
    return this.#item === undefined ? 0 : 1;
  }

  /** Returns the item that this one displaces. */
  put(item: T): T | undefined {
    const displaced = this.#item;
    this.#item = item;
    this.#wake?.();
    return displaced;
  }

  /** Ends the iteration; returns the item that was not taken. */
  close(): T | undefined {
    const left = this.#item;
    this.#item = undefined;
    this.#closed = true;
    this.#wake?.();
    return left;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#closed) {
      const item = this.#item;
      this.#item = undefined;
      if (item === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield item;
    }
  }
}
