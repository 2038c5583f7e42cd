/**
 * Tracks answers that wait for their readers and bounds their bytes over all readers: past the bound, the reader of the
 * oldest answer is ended.
 */
const MOST_BYTES = 64 * 2 ** 20;

interface Freight {
  readonly value: Uint8Array;
  readonly giveUp: () => void;
}

export class Flight {
  /** Oldest first. */
  readonly #waiting = new Set<Freight>();
  /** Number of readers that wait for each value; a shared value is in memory once, so it counts once. */
  readonly #values = new Map<Uint8Array, number>();
  #bytes = 0;

  /**
   * @param giveUp ends the reader. @returns a function to call when the answer has left this process or its reader is
   * gone.
   */
  carry(value: Uint8Array, giveUp: () => void): () => void {
    const freight: Freight = { value, giveUp };
    this.#waiting.add(freight);
    this.#count(value, 1);
    for (const oldest of this.#waiting) {
      if (this.#bytes <= MOST_BYTES) break;
      this.#land(oldest);
      oldest.giveUp();
    }
    return () => this.#land(freight);
  }

  #land(freight: Freight): void {
    if (this.#waiting.delete(freight)) this.#count(freight.value, -1);
  }

  #count(value: Uint8Array, change: 1 | -1): void {
    const before = this.#values.get(value) ?? 0;
    const after = before + change;
    if (after === 0) this.#values.delete(value);
    else this.#values.set(value, after);
    if (before === 0 || after === 0) this.#bytes += change * value.byteLength;
  }
}
