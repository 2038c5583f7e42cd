/**
 * One daemon per run folder. The lock is SQLite's exclusive lock on a small file: the kernel holds it for the process
 * and drops it at every kind of exit, so there are no stale locks and no guesses from process ids. The lock file must
 * never be opened any other way in this process: closing any descriptor of it would drop a POSIX lock.
 */
import { existsSync } from 'node:fs';
import Libsql from 'libsql';
import { InputError } from '../protocol/errors.ts';
import { translate } from './database.ts';

/** A probe by `isLocked` takes well under a millisecond; a daemon keeps the lock until it ends. */
const TRY_MILLISECONDS = 500;

/** @returns the release function, or undefined when another process (or this one) holds the lock. */
export function tryLock(path: string): (() => void) | undefined {
  return withBusyAsUndefined(path, (db) => {
    db.exec('BEGIN EXCLUSIVE');
    return () => db.close();
  });
}

export function isLocked(path: string): boolean {
  if (!existsSync(path)) return false;
  const db = withBusyAsUndefined(path, (opened) => {
    opened.exec('SELECT count(*) FROM sqlite_master');
    return opened;
  });
  db?.close();
  return db === undefined;
}

function withBusyAsUndefined<T>(path: string, work: (db: InstanceType<typeof Libsql>) => T): T | undefined {
  let db: InstanceType<typeof Libsql> | undefined;
  try {
    db = new Libsql(path, { timeout: TRY_MILLISECONDS });
    return work(db);
  } catch (error) {
    db?.close();
    const { code } = error as { code?: unknown };
    if (code === 'SQLITE_BUSY') return undefined;
    if (code === 'SQLITE_FULL') throw translate(path, error);
    throw new InputError(`the lock file ${path} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}
