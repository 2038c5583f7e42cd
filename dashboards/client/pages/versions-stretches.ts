import type { VersionRow } from '../../../src/protocol/frames.ts';

/** Versions `start..end`, learnt in sequence; the first starts from `parent`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly parent: number | null;
  /** The stretch's last ancestor of the newest version; below `start` if it has none. */
  readonly alive: number;
}

/** Runs of versions between roll-backs, oldest first. */
export function stretches(rows: readonly Pick<VersionRow, 'n' | 'parent'>[], newest: number): readonly Stretch[] {
  const bends = rows
    .filter(({ n, parent }) => parent !== null && parent !== n - 1 && n <= newest)
    .sort((a, b) => a.n - b.n);
  const starts = [{ n: 0, parent: null as number | null }, ...bends];
  const runs = starts.map(({ n, parent }, i) => ({ start: n, end: (starts[i + 1]?.n ?? newest + 1) - 1, parent }));
  const alive = new Map<number, number>();
  for (let at: number | null = newest; at !== null;) {
    const index: number = runs.findLastIndex(({ start }) => start <= (at ?? 0));
    alive.set(index, at);
    at = runs[index]?.parent ?? null;
  }
  return runs.map((run, i) => ({ ...run, alive: alive.get(i) ?? run.start - 1 }));
}
