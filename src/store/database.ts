/** One SQLite file: opening, transactions with a stated durability, and errors that a user can act on. */
import { closeSync, openSync } from 'node:fs';
import Libsql from 'libsql';
import { InputError } from '../protocol/errors.ts';
import { migrate } from './migrations.ts';

export type Value = number | string | Uint8Array | null;

interface Statement {
  run(values: readonly Value[]): { readonly changes: number };
  all(values: readonly Value[]): unknown[];
}

/** What a commit survives: `durable` a power cut (one disk flush), `quick` the death of this process only. */
export type Durability = 'durable' | 'quick';

const BUSY_MILLISECONDS = 5_000;
const WAL_LIMIT_BYTES = 16 * 2 ** 20;

/** The fix for a run whose database is gone, damaged, or does not fit the versions on disk. */
export const REMEDY =
  'restore the run folder from a backup, or start with --begin-again, which makes the newest weights the base of a new chain of versions';

/** What `--begin-again` is for. */
export class DamagedError extends InputError {
  constructor(problem: string) {
    super(`${problem}; ${REMEDY}`);
  }
}

export class Database {
  readonly path: string;
  readonly #db: InstanceType<typeof Libsql>;
  readonly #statements = new Map<string, Statement>();
  #synchronous: Durability | undefined;
  #depth = 0;

  /**
   * Opens or makes the file and brings its tables up to date. @throws InputError for a file that is not ours, damaged,
   * or from a newer Quorum.
   */
  constructor(path: string) {
    this.path = path;
    makePrivate(path);
    this.#db = this.#translated(() => new Libsql(path, { timeout: BUSY_MILLISECONDS }));
    try {
      this.#translated(() => {
        this.#db.exec('PRAGMA journal_mode = WAL');
        this.#db.exec(`PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`);
        this.#db.exec('PRAGMA foreign_keys = ON');
        this.#checkWhole();
      });
      migrate(this);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  run(sql: string, ...values: Value[]): number {
    return this.#translated(() => this.#prepared(sql).run(values).changes);
  }

  /** Rows as objects; blobs are ArrayBuffers. */
  rows<Row>(sql: string, ...values: Value[]): Row[] {
    return this.#translated(() => this.#prepared(sql).all(values) as Row[]);
  }

  row<Row>(sql: string, ...values: Value[]): Row | undefined {
    return this.rows<Row>(sql, ...values)[0];
  }

  /** Runs several statements without values, for migrations. */
  script(sql: string): void {
    this.#translated(() => this.#db.exec(sql));
  }

  /** Runs `work` as one transaction; a nested call joins the outer transaction. */
  transaction<T>(durability: Durability, work: () => T): T {
    if (this.#depth > 0) return work();
    this.#setDurability(durability);
    this.script('BEGIN IMMEDIATE');
    this.#depth = 1;
    try {
      const result = work();
      this.script('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth = 0;
    }
  }

  /**
   * Folds the write-ahead log into the file, which libsql leaves undone as long as a statement is not yet
   * garbage-collected.
   */
  close(): void {
    if (!this.#db.open) return;
    this.#statements.clear();
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // On a full disk: the log holds everything, and the next start reads it.
    } finally {
      this.#db.close();
    }
  }

  #setDurability(durability: Durability): void {
    if (this.#synchronous === durability) return;
    this.script(`PRAGMA synchronous = ${durability === 'durable' ? 'FULL' : 'NORMAL'}`);
    this.#synchronous = durability;
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql) as Statement;
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #checkWhole(): void {
    const [first] = this.#db.prepare('PRAGMA quick_check(1)').all() as { quick_check?: string }[];
    if (first?.quick_check !== 'ok') throw damaged(this.path, first?.quick_check ?? 'no answer from quick_check');
  }

  #translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw translate(this.path, error);
    }
  }
}

/** SQLite creates files that other users of this machine can read. If this fails, SQLite reports the cause itself. */
function makePrivate(path: string): void {
  try {
    // Only for a new file: closing a file of a database that this process has open drops SQLite's POSIX locks on it,
    // which risks corruption (sqlite.org/howtocorrupt.html, 2.2).
    closeSync(openSync(path, 'wx', 0o600));
  } catch {
    // It exists, or cannot be made.
  }
}

function damaged(path: string, detail: string): InputError {
  return new DamagedError(`${path} is damaged (${detail})`);
}

/** Turns SQLite's codes that a user can act on into InputErrors; other errors are bugs and pass unchanged. */
export function translate(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  const code = (error as { code?: unknown }).code;
  if (error.message.includes('Unable to open connection'))
    return new InputError(`${path} cannot be opened: ${error.message}`, { cause: error });
  if (typeof code !== 'string') return error;
  if (code === 'SQLITE_FULL') {
    return new InputError(
      `no space left on the disk of ${path}: nothing saved before was harmed; free some space and start again`,
      { cause: error },
    );
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return damaged(path, error.message);
  if (code.startsWith('SQLITE_BUSY'))
    return new InputError(`${path} is locked by another process; stop it first`, { cause: error });
  if (code.startsWith('SQLITE_READONLY'))
    return new InputError(`${path} cannot be written: make it and its folder writable`, { cause: error });
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_CANTOPEN')) {
    return new InputError(
      `the disk refused an operation on ${path} (${code}: ${error.message}): nothing saved before was harmed`,
      { cause: error },
    );
  }
  return error;
}
