/** Checks a database in any state: no migration, no repair. */
import { readChain, type Chain } from './chain.ts';
import type { Finding } from './finding.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';
import { openToRead, pragma, rowsOf, type Db } from './open-to-read.ts';

export interface DatabaseState extends Chain {
  /** Groups. */
  readonly sampled: number;
}

const MOST_LINES = 100;
/** Lines of `integrity_check` that a rebuild of the indexes repairs. */
const OF_AN_INDEX = /^(row \d+ missing from index|wrong # of entries in index|non-unique entry in index)/;

/** @returns undefined, with a finding, when the tables cannot be read. */
export function checkDatabase(path: string, findings: Finding[]): DatabaseState | undefined {
  const bad = (problem: string, remedy: Finding['remedy'] = null): undefined =>
    void findings.push({ part: 'database', path, problem, remedy, harmless: false });
  try {
    using opened = openToRead(path);
    const { db } = opened;
    const version = pragma(db, 'user_version');
    if (version > SCHEMA_VERSION)
      return bad(`has database version ${version}; this Quorum knows versions up to ${SCHEMA_VERSION}`);
    if (pragma(db, 'application_id') !== APPLICATION_ID) return bad("is not one of Quorum's");
    const lines = rowsOf<{ integrity_check: string }>(db, `PRAGMA integrity_check(${MOST_LINES})`).map(
      (row) => row.integrity_check,
    );
    if (lines.join() !== 'ok') {
      return bad(`is damaged: ${lines[0]}`, lines.every((line) => OF_AN_INDEX.test(line)) ? 'reindex' : 'begin-again');
    }
    const orphans = rowsOf<{ table: string }>(db, 'PRAGMA foreign_key_check');
    if (orphans.length > 0)
      bad(`has ${orphans.length} rows, first in ${orphans[0]!.table}, that belong to rows which are not there`);
    const state = readState(db);
    tellSetAside(state, path, findings);
    return state;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code?.startsWith('SQLITE_BUSY') === true) return bad('is locked by another process');
    return bad(
      `cannot be read: ${message}`,
      code === 'SQLITE_NOTADB' || code?.startsWith('SQLITE_CORRUPT') === true ? 'begin-again' : null,
    );
  }
}

function readState(db: Db): DatabaseState {
  return {
    ...readChain((sql) => rowsOf(db, sql)),
    sampled: rowsOf<{ n: number }>(db, 'SELECT count(*) AS n FROM groups')[0]!.n,
  };
}

/** Batches set aside are kept for inspection: the run continues without them. */
function tellSetAside({ setAside, batches }: Chain, path: string, findings: Finding[]): void {
  for (const { id, cause } of setAside) {
    const { parent, groups = 0 } = batches.find((batch) => batch.id === id) ?? {};
    const problem = `holds batch ${id} (${groups} groups), set aside at version ${parent}: ${cause}`;
    findings.push({ part: 'set-aside', path, problem, remedy: null, harmless: true });
  }
}
