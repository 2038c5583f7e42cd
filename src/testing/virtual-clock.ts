/** Virtual time for the actors' deadlines and back-offs; it passes only when a test advances it. */

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the event loop in which what a timer set off may run. */
const TURNS = 5;

export class VirtualClock {
  readonly #timers = new Map<number, Timer>();
  #now = 0;
  #ids = 0;

  /** Milliseconds since the test began. */
  now = (): number => this.#now;

  setTimeout = (callback: () => void, milliseconds: number): number => {
    const id = ++this.#ids;
    this.#timers.set(id, { id, at: this.#now + Math.max(0, milliseconds), callback });
    return id;
  };

  clearTimeout = (id: unknown): void => void this.#timers.delete(id as number);

  /** Fires due timers in order; each timer's work starts before the next one fires. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settle();
      const next = this.#next(end);
      if (!next) break;
      this.#timers.delete(next.id);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers.values()].filter(({ at }) => at <= end);
    return due.toSorted((a, b) => a.at - b.at || a.id - b.id)[0];
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
