/**
 * A bounded queue between two stages. Pacing keeps it from filling: pushing past the bound is a bug of the pacer and
 * throws.
 */

export class Queue<T> implements AsyncIterable<T> {
  readonly #name: string;
  #bound: number;
  readonly #items: T[] = [];
  #wakers: (() => void)[] = [];
  #closed = false;

  constructor(name: string, bound: number) {
    this.#name = name;
    this.#bound = bound;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Makes room for more; what it holds it keeps. */
  widen(bound: number): void {
    this.#bound = Math.max(this.#bound, bound);
  }

  /** For the status of the actor that takes from it. */
  status(): { readonly name: string; readonly size: number; readonly bound: number } {
    return { name: this.#name, size: this.size, bound: this.#bound };
  }

  /** @throws RangeError when the queue is full, Error when it is closed. */
  push(...items: readonly T[]): void {
    if (this.#closed) throw new Error(`queue "${this.#name}" is closed`);
    if (this.#items.length + items.length > this.#bound) {
      throw new RangeError(
        `queue "${this.#name}" holds ${this.#items.length} of ${this.#bound} items and cannot take ${items.length} more`,
      );
    }
    this.#items.push(...items);
    this.#wake();
  }

  /** Ends the iteration after the items that are left. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /**
   * Takes the longest run from the front, at most `most` items, in which each item `follows` the one before it; waits
   * for the first. An empty result means that the queue is closed and empty.
   */
  async take(most: number, follows: (before: T, item: T) => boolean = () => true): Promise<T[]> {
    while (this.#items.length === 0) {
      if (this.#closed) return [];
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
    let count = 1;
    while (count < most && count < this.#items.length && follows(this.#items[count - 1]!, this.#items[count]!))
      count += 1;
    return this.#items.splice(0, count);
  }

  /** The next item, when there is one already. */
  shift(): T | undefined {
    return this.#items.shift();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const [item] = await this.take(1);
      if (item === undefined) return;
      yield item;
    }
  }

  #wake(): void {
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) wake();
  }
}
