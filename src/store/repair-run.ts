/**
 * Repairs the findings of `checkRun` when that loses nothing. It moves damaged files to `aside/` in the run folder and
 * deletes nothing.
 */
import { chmodSync, copyFileSync, existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import Libsql from 'libsql';
import { makeFolder } from '../lib/make-folder.ts';
import { flushFolder } from '../lib/whole-file.ts';
import { InputError } from '../protocol/errors.ts';
import type { RunCheck } from './check-run.ts';
import type { Finding } from './finding.ts';
import { diskError } from './files.ts';
import { tryLock } from './lock.ts';

export interface Repair {
  readonly finding: Finding;
  readonly done: string;
}

/** @throws InputError when a daemon holds the folder, or it is not writable. */
export function repairRun({ folder, findings }: RunCheck, now: Date): readonly Repair[] {
  const unlock = tryLock(join(folder, 'lock'));
  if (!unlock) throw new InputError(`runFolder ${folder} is in use by a daemon: stop it first (quorum stop)`);
  const aside = join(folder, 'aside', now.toISOString().replaceAll(':', '-'));
  try {
    return findings.flatMap((finding) => {
      const done = remedy(finding, aside);
      return done === undefined ? [] : [{ finding, done }];
    });
  } catch (error) {
    throw diskError(folder, error);
  } finally {
    unlock();
  }
}

function remedy({ path, remedy: kind }: Finding, aside: string): string | undefined {
  switch (kind) {
    case null:
    case 'begin-again': // the user decides
      return undefined;
    case 'close-to-others':
      chmodSync(path, 0o700);
      return 'closed to other users';
    case 'set-aside':
      return `moved to ${setAside(path, aside)}`;
    case 'reindex':
      return reindex(path, aside);
  }
}

function setAside(path: string, aside: string): string {
  makeFolder(aside, 0o700);
  const target = join(aside, basename(path));
  renameSync(path, target);
  flushFolder(aside);
  return target;
}

/**
 * The tables are sound, only the indexes are damaged: rebuilds them from the tables. A copy of the damaged file stays
 * aside.
 */
function reindex(path: string, aside: string): string {
  makeFolder(aside, 0o700);
  for (const file of [path, `${path}-wal`]) if (existsSync(file)) copyFileSync(file, join(aside, basename(file)));
  const db = new Libsql(path);
  try {
    db.exec('REINDEX');
  } finally {
    db.close();
  }
  return `indexes built anew; as it was: ${join(aside, basename(path))}`;
}
