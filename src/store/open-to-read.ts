/** Opens a database in any state: no migration, no repair. A daemon may write to it meanwhile, and is not held up. */
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';

export type Db = InstanceType<typeof Libsql>;

export interface Readable extends Disposable {
  readonly db: Db;
}

const WAIT_MILLISECONDS = 1_000;

/** Changes nothing, except that SQLite folds in its log when it opens a file. @throws SQLite's errors. */
export function openToRead(path: string): Readable {
  const copy = isReadOnly(path) ? copied(path) : undefined;
  const remove = (): void => {
    if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  };
  try {
    const db = new Libsql(copy === undefined ? path : join(copy, basename(path)), { timeout: WAIT_MILLISECONDS });
    return {
      db,
      [Symbol.dispose]: () => {
        db.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

export function pragma(db: Db, name: string): number {
  return rowsOf<Record<string, number>>(db, `PRAGMA ${name}`)[0]?.[name] ?? 0;
}

export function rowsOf<Row>(db: Db, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}

/** SQLite opens no write-ahead log without writing to its folder (sqlite.org/wal.html, "Read-Only Databases"). */
function isReadOnly(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
    accessSync(path, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** A new folder with the database and its log. No daemon writes them: the file system is read-only. */
function copied(path: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quorum-read-'));
  for (const file of [path, `${path}-wal`]) if (existsSync(file)) copyFileSync(file, join(folder, basename(file)));
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o600);
  return folder;
}
