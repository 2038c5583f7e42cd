/**
 * The learner threads that take a step together. Each runs the same code on the same batch from the same state: they
 * divide the passes among them and exchange what these gave, so all end with the same weights.
 */
export interface Ranks {
  /** Index of this thread. */
  readonly rank: number;
  readonly count: number;
  /** Tells the others that this thread makes progress. */
  readonly progress: () => void;
  /** Gives every thread the values of all, in the order of the ranks. All threads call it equally often. */
  gather<T>(value: T): T[];
  /** Adds up the arrays of all threads, element by element, in the order of the ranks; `arrays` get the sums. */
  sum(arrays: readonly Float32Array[]): void;
}

export const ALONE: Ranks = {
  rank: 0,
  count: 1,
  progress: () => {},
  gather: (value) => [value],
  sum: () => {},
};

/** The thread's own share of a list; neighbours go to different threads, so that each gets long and short passes. */
export function shareOf<T>(list: readonly T[], { rank, count }: Ranks): T[] {
  return list.filter((_, i) => i % count === rank);
}
