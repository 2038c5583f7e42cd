/** Histories of versions, kept short. */

interface Point {
  readonly version: number;
}

/**
 * In order of versions; `point` replaces one of the same version. Drops every second inner point once the history is
 * too long; the first and the newest stay.
 */
export function withPoint<T extends Point>(history: readonly T[], point: T, longest = 512): readonly T[] {
  const all = [...history.filter(({ version }) => version !== point.version), point].toSorted(
    (a, b) => a.version - b.version,
  );
  return all.length <= longest ? all : all.filter((_, i) => i === all.length - 1 || i % 2 === 0);
}
