/**
 * `--begin-again` for a run whose database is gone or damaged: the newest weights become the base of a new chain of
 * versions, and the rest of the old chain moves to `aside/`. The newest checkpoint moves last, just before the new
 * database is made, so that after a kill in between a start still refuses the run, and the same command finishes the
 * work.
 */
import { existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeFolder } from '../lib/make-folder.ts';
import { flushFolder } from '../lib/whole-file.ts';
import { InputError } from '../protocol/errors.ts';
import { Checkpoints, type Checkpoint } from './checkpoints.ts';
import { diskError } from './files.ts';
import { openStore } from './open-store.ts';
import { pointModelTo, type RunPaths } from './run-folder.ts';

export interface NewBase {
  /** The version whose weights are the base now; undefined when none was on disk and the base stays the same. */
  readonly version: number | undefined;
  /** Folder with the rest of the old chain. */
  readonly aside: string;
}

/** The caller holds the lock of the run folder. @throws InputError when the disk refuses. */
export async function beginAgain(paths: RunPaths, now: Date): Promise<NewBase> {
  const aside = join(paths.path, 'aside', now.toISOString().replaceAll(':', '-'));
  try {
    const newest = await newestOf(paths);
    moveTo(aside, [paths.database, `${paths.database}-wal`, `${paths.database}-shm`]);
    moveTo(join(aside, 'checkpoints'), foldersIn(paths.checkpointsFolder, newest));
    moveTo(join(aside, 'best'), foldersIn(paths.bestFolder, newest));
    if (newest) {
      moveTo(join(aside, 'base'), foldersIn(paths.baseFolder));
      moveTo(paths.baseFolder, [newest.folder]);
      pointModelTo(paths, join(paths.baseFolder, basename(newest.folder)));
    }
    openStore(paths.database).close(); // the new chain's database: from here on the run is whole
    return { version: newest?.version, aside };
  } catch (error) {
    throw diskError(paths.path, error);
  }
}

/**
 * The folder of a run's base model if `beginAgain` made one; undefined when the configuration names it.
 * @throws InputError when it is damaged.
 */
export async function ownBase({ baseFolder }: Pick<RunPaths, 'baseFolder'>): Promise<Checkpoint | undefined> {
  const { checkpoint, rejected } = await Checkpoints.at(baseFolder).newest();
  const [first] = rejected;
  if (first === undefined) return checkpoint;
  throw new InputError(
    `${first.folder}, the base of this run, cannot be used: ${first.reason}; restore it from a backup`,
  );
}

async function newestOf({ checkpointsFolder, bestFolder }: RunPaths): Promise<Checkpoint | undefined> {
  const { checkpoint } = await Checkpoints.at(checkpointsFolder).newest();
  return checkpoint ?? (await Checkpoints.at(bestFolder).newest()).checkpoint;
}

function foldersIn(folder: string, but?: Checkpoint): string[] {
  const place = Checkpoints.at(folder);
  return place
    .versionsNow()
    .map((version) => place.folderOf(version))
    .filter((path) => path !== but?.folder);
}

function moveTo(folder: string, paths: readonly string[]): void {
  const there = paths.filter((path) => existsSync(path));
  if (there.length === 0) return;
  makeFolder(folder, 0o700);
  for (const path of there) renameSync(path, join(folder, basename(path)));
  flushFolder(folder);
}
