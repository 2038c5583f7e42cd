/** A run folder to be read, whether or not a daemon writes it. */
import { resolve } from 'node:path';
import { readHistory, type HistoryRow } from '../store/read-history.ts';

export interface Run {
  /** Absolute. */
  readonly folder: string;
  /** Every metric of each version, ascending, as the database has them now. docs/operations.md lists the names. */
  metrics(): readonly HistoryRow[];
}

/** @throws InputError where there is no database of a run, it is damaged, or a newer Quorum wrote it. */
export function openRun(folder: string): Run {
  const path = resolve(folder);
  readHistory(path);
  return { folder: path, metrics: () => readHistory(path) };
}
