import type { VersionRow } from '../../../src/protocol/frames.ts';

/** Versions `start..end`, learnt one after the other; the first one from `parent`. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly parent: number | null;
  /** The last of its versions that the newest one descends from; below `start` when none is. */
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
