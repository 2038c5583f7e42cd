/** The server's source of time; a test passes its own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds at a finer resolution than `now`, to measure how long work takes. */
  fine(): number;
  /** Runs `work` later. @returns a function that cancels it */
  after(milliseconds: number, work: () => void): () => void;
}

/** Its timers do not keep the process alive. */
export const realClock: Clock = {
  now: Date.now,
  fine: () => performance.now(),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};
