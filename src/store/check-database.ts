/** Reads a database as it is, whatever its state: no migration, no repair. */
import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';
import type { Finding } from './finding.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';

export interface DatabaseState {
  /** Ascending. */
  readonly versions: readonly { readonly n: number; readonly parent: number | null; readonly batchId: number | null }[];
  readonly batches: readonly { readonly id: number; readonly parent: number; readonly groups: number }[];
  /** Newest first. */
  readonly setAside: readonly { readonly id: number; readonly cause: string }[];
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
  if (!existsSync(path)) return bad('is missing');
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
      return bad(`is damaged: ${lines[0]}`, lines.every((line) => OF_AN_INDEX.test(line)) ? 'reindex' : null);
    }
    const orphans = rows<{ table: string }>(db, 'PRAGMA foreign_key_check');
    if (orphans.length > 0) bad(`has ${orphans.length} rows, first in ${orphans[0]!.table}, that belong to rows which are not there`);
    return checkChain(readState(db), path, findings);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return bad(code?.startsWith('SQLITE_BUSY') === true ? 'is locked by another process' : `cannot be read: ${message}`);
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
    versions: rows(db, 'SELECT n, parent, batch_id AS batchId FROM versions ORDER BY n'),
    batches: rows(db, `SELECT id, parent, (SELECT count(*) FROM batch_groups WHERE batch_id = batches.id) AS groups FROM batches ORDER BY id`),
    setAside: hasTable(db, 'set_aside') ? rows(db, 'SELECT batch_id AS id, cause FROM set_aside ORDER BY batch_id DESC') : [],
    sampled: rows<{ n: number }>(db, 'SELECT count(*) AS n FROM groups')[0]!.n,
  };
}

/** A database of an older Quorum lacks some. */
function hasTable(db: Db, name: string): boolean {
  return rows(db, `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '${name}'`).length > 0;
}

/** Old versions may have been thinned out; those that are there follow each other, and each was learnt from a batch of its parent. */
function checkChain(state: DatabaseState, path: string, findings: Finding[]): DatabaseState {
  const bad = (part: 'versions' | 'batches', problem: string) => findings.push({ part, path, problem, remedy: null, harmless: false });
  const { versions, batches } = state;
  const byId = new Map(batches.map((batch) => [batch.id, batch]));
  for (const [i, { n, parent, batchId }] of versions.entries()) {
    const before = versions[i - 1]?.n;
    if (before !== undefined && n !== before + 1) bad('versions', `version ${n} follows version ${before}`);
    if (n > 0 && batchId !== null && parent !== n - 1) bad('versions', `version ${n} has parent ${parent}`);
    const batch = batchId === null ? undefined : byId.get(batchId);
    if (batch !== undefined && batch.parent !== parent) bad('batches', `batch ${batch.id} of version ${n} starts from version ${batch.parent}`);
  }
  const aside = new Map(state.setAside.map(({ id, cause }) => [id, cause]));
  for (const [id, cause] of aside) {
    const { parent, groups = 0 } = byId.get(id) ?? {};
    const problem = `holds batch ${id} (${groups} groups), set aside at version ${parent}: ${cause}`;
    findings.push({ part: 'set-aside', path, problem, remedy: null, harmless: true });
  }
  const used = new Set(versions.map(({ batchId }) => batchId));
  const oldest = versions[0]?.n ?? 0;
  const unlearnt = batches.filter(({ id, parent }) => !used.has(id) && !aside.has(id) && parent >= oldest);
  const newest = versions.at(-1)?.n;
  for (const { id, parent } of unlearnt) {
    if (unlearnt.length > 1 || parent !== newest) bad('batches', `batch ${id} of version ${parent} led to no version`);
  }
  return state;
}

function pragma(db: Db, name: string): number {
  return rows<Record<string, number>>(db, `PRAGMA ${name}`)[0]?.[name] ?? 0;
}

function rows<Row>(db: Db, sql: string): Row[] {
  return db.prepare(sql).all() as Row[];
}
