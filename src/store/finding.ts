/** What a look through a run folder finds (`checkRun`), and what would put it right (`repairRun`). */

export type Remedy = 'set-aside' | 'reindex' | 'close-to-others' | 'begin-again';

export interface Finding {
  readonly part: 'folder' | 'entry' | 'database' | 'versions' | 'batches' | 'checkpoint' | 'leftover' | 'set-aside';
  readonly path: string;
  readonly problem: string;
  /**
   * What repairs it without losing anything, or, for `begin-again`, what keeps the newest weights; null where nothing
   * does.
   */
  readonly remedy: Remedy | null;
  /** Whether it keeps the run from continuing, or only takes up room. */
  readonly harmless: boolean;
}
