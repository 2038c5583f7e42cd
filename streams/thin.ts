const LONGEST = 512;

/** Drops every second inner point once the history is too long; the first and the newest stay. */
export function thin<T>(history: readonly T[]): readonly T[] {
  return history.length <= LONGEST ? history : history.filter((_, i) => i === history.length - 1 || i % 2 === 0);
}
