/** A sum over the last minute, in a ring of one-second slots: constant memory and time, however much is added. */
const SLOTS = 60;
const SECOND = 1_000;

export class LastMinute {
  readonly #sums = new Float64Array(SLOTS);
  /** The second that each slot is of. */
  readonly #seconds = new Float64Array(SLOTS).fill(-Infinity);

  /** @param at milliseconds on the caller's clock */
  add(at: number, amount: number): void {
    const second = Math.floor(at / SECOND);
    const slot = second % SLOTS;
    if (this.#seconds[slot] !== second) this.#sums[slot] = 0;
    this.#seconds[slot] = second;
    this.#sums[slot]! += amount;
  }

  /** Over the 59 whole seconds before that of `now` and the elapsed part of it. */
  sum(now: number): number {
    const after = Math.floor(now / SECOND) - SLOTS;
    return this.#sums.reduce((sum, value, slot) => (this.#seconds[slot]! > after ? sum + value : sum), 0);
  }
}
