/** Findings of `checkRun` about a run folder, and how `repairRun` can repair each. */

export type Remedy = 'set-aside' | 'reindex' | 'close-to-others' | 'begin-again';

export interface Finding {
  readonly part: 'folder' | 'entry' | 'database' | 'versions' | 'batches' | 'checkpoint' | 'leftover' | 'set-aside';
  readonly path: string;
  readonly problem: string;
  /** The repair that loses nothing, or `begin-again`, which keeps the newest weights; null when there is no repair. */
  readonly remedy: Remedy | null;
  /** Whether it stops the run from continuing, or only takes up space. */
  readonly harmless: boolean;
}
