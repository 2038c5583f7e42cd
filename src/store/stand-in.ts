/**
 * A stand-in for a run folder, for a trial start: a temporary folder with copies of the files that a start may change
 * and one link for each version on disk, so a start that moves or deletes a version only touches its link. The run
 * folder itself stays unchanged.
 */
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { InputError } from '../protocol/errors.ts';
import { isLocked } from './lock.ts';
import { nearestFolder, refuseOddEntries } from './run-entries.ts';
import { refuseForeign, runPaths, taken } from './run-folder.ts';

export interface StandIn extends Disposable {
  readonly path: string;
  /** The text with the stand-in's path replaced by the run folder's. */
  named(text: string): string;
}

/**
 * @throws InputError when the run folder cannot be opened: another daemon holds it, it is not a run folder, it is not
 * writable.
 */
export function standInFor(folder: string): StandIn {
  const isBegun = isRunFolder(folder);
  const path = mkdtempSync(join(tmpdir(), 'quorum-dry-run-'));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  try {
    if (isBegun) copy(folder, path);
  } catch (error) {
    remove();
    throw error;
  }
  return { path, named: (text) => text.replaceAll(path, runPaths(folder).path), [Symbol.dispose]: remove };
}

/** @throws InputError when `openRunFolder` would refuse the folder. */
function isRunFolder(folder: string): boolean {
  const { path } = runPaths(folder);
  const there = nearestFolder(path);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new InputError(`runFolder ${path} cannot be written: make ${there} writable, or choose another folder`, {
      cause: error,
    });
  }
  if (there !== path) return false;
  refuseForeign(path);
  refuseOddEntries(path);
  if (isLocked(join(path, 'lock'))) throw new InputError(taken(path));
  return existsSync(join(path, 'run.json'));
}

function copy(folder: string, to: string): void {
  const { path, database, config, checkpointsFolder, bestFolder, baseFolder } = runPaths(folder);
  for (const file of [join(path, 'run.json'), config, database, `${database}-wal`]) {
    if (existsSync(file)) copyFileSync(file, join(to, basename(file)));
  }
  for (const place of [checkpointsFolder, bestFolder, baseFolder]) {
    if (!existsSync(place)) continue;
    const linked = join(to, basename(place));
    mkdirSync(linked);
    for (const name of readdirSync(place)) symlinkSync(join(place, name), join(linked, name));
  }
}
