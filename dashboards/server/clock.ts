/** Time, so that a test can bring its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds, finer than `now`, for the time that work takes. */
  fine(): number;
  /** @returns what calls it off. */
  after(milliseconds: number, work: () => void): () => void;
}

/** Keeps no process alive. */
export const realClock: Clock = {
  now: Date.now,
  fine: () => performance.now(),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
