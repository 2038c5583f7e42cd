/** Reads a database as it is, whatever its state: no migration, no repair. */
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';
import { readChain, type Chain } from './chain.ts';
import type { Finding } from './finding.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';

export interface DatabaseState extends Chain {
  /** Groups. */
  readonly sampled: number;
}

type Db = InstanceType<typeof Libsql>;

const WAIT_MILLISECONDS = 1_000;
const MOST_LINES = 100;
/** The lines of `integrity_check` that building the indexes anew puts right. */
const OF_AN_INDEX = /^(row \d+ missing from index|wrong # of entries in index|non-unique entry in index)/;

/** @returns undefined, with a finding, where the tables cannot be read. */
export function checkDatabase(path: string, findings: Finding[]): DatabaseState | undefined {
  const bad = (problem: string, remedy: Finding['remedy'] = null): undefined =>
    void findings.push({ part: 'database', path, problem, remedy, harmless: false });
  let db: Db | undefined;
  let copies: string | undefined;
  try {
    if (isReadOnly(path)) copies = copied(path);
    db = new Libsql(copies === undefined ? path : join(copies, basename(path)), { timeout: WAIT_MILLISECONDS });
    const version = pragma(db, 'user_version');
    if (version > SCHEMA_VERSION) return bad(`has database version ${version}; this Quorum knows versions up to ${SCHEMA_VERSION}`);
    if (pragma(db, 'application_id') !== APPLICATION_ID) return bad("is not one of Quorum's");
    const lines = rows<{ integrity_check: string }>(db, `PRAGMA integrity_check(${MOST_LINES})`).map((row) => row.integrity_check);
    if (lines.join() !== 'ok') {
      return bad(`is damaged: ${lines[0]}`, lines.every((line) => OF_AN_INDEX.test(line)) ? 'reindex' : 'begin-again');
    }
    const orphans = rows<{ table: string }>(db, 'PRAGMA foreign_key_check');
    if (orphans.length > 0) bad(`has ${orphans.length} rows, first in ${orphans[0]!.table}, that belong to rows which are not there`);
    const state = readState(db);
    tellSetAside(state, path, findings);
    return state;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code?.startsWith('SQLITE_BUSY') === true) return bad('is locked by another process');
    return bad(`cannot be read: ${message}`, code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT') === true ? 'begin-again' : null);
  } finally {
    db?.close();
    if (copies !== undefined) rmSync(copies, { recursive: true, force: true });
  }
}

/** SQLite opens no write-ahead log without writing beside it (sqlite.org/wal.html, "Read-Only Databases"). */
function isReadOnly(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
    accessSync(path, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** A new folder with the database and its log. The caller has made sure that no daemon writes them. */
function copied(path: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'quorum-doctor-'));
  for (const file of [path, `${path}-wal`]) if (existsSync(file)) copyFileSync(file, join(folder, basename(file)));
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o600);
  return folder;
}

function readState(db: Db): DatabaseState {
  return {
    ...readChain((sql) => rows(db, sql)),
    sampled: rows<{ n: number }>(db, 'SELECT count(*) AS n FROM groups')[0]!.n,
  };
}

/** Batches that are set aside are kept for a look: the run continues without them. */
function tellSetAside({ setAside, batches }: Chain, path: string, findings: Finding[]): void {
  for (const { id, cause } of setAside) {
    const { parent, groups = 0 } = batches.find((batch) => batch.id === id) ?? {};
    const problem = `holds batch ${id} (${groups} groups), set aside at version ${parent}: ${cause}`;
    findings.push({ part: 'set-aside', path, problem, remedy: null, harmless: true });
  }
}

function pragma(db: Db, name: string): number {
  return rows<Record<string, number>>(db, `PRAGMA ${name}`)[0]?.[name] ?? 0;
}

function rows<Row>(db: Db, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}
