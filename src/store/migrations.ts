/** The tables, as numbered steps. A step that was released is never edited: add another one. */
import { InputError } from '../protocol/errors.ts';
import type { Database } from './database.ts';

/** Marks a SQLite file as ours ("Quor"). */
const APPLICATION_ID = 0x5175_6f72;

const STEPS: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
   CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
   CREATE TABLE questions (id TEXT PRIMARY KEY, data BLOB NOT NULL);
   CREATE TABLE admissions (
     sequence INTEGER PRIMARY KEY,
     question_id TEXT NOT NULL REFERENCES questions (id),
     at INTEGER NOT NULL);
   CREATE INDEX admissions_by_question ON admissions (question_id);
   CREATE TABLE groups (
     sequence INTEGER PRIMARY KEY REFERENCES admissions (sequence) ON DELETE CASCADE,
     id TEXT NOT NULL UNIQUE,
     policy_version INTEGER NOT NULL,
     at INTEGER NOT NULL,
     data BLOB NOT NULL);
   CREATE TABLE verdicts (
     sequence INTEGER PRIMARY KEY REFERENCES groups (sequence) ON DELETE CASCADE,
     kept INTEGER NOT NULL,
     data BLOB NOT NULL);
   CREATE TABLE batches (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, at INTEGER NOT NULL);
   CREATE INDEX batches_by_parent ON batches (parent, id);
   -- The primary key is what makes it impossible to learn from a group twice.
   CREATE TABLE batch_groups (
     sequence INTEGER PRIMARY KEY REFERENCES verdicts (sequence) ON DELETE CASCADE,
     batch_id INTEGER NOT NULL REFERENCES batches (id),
     position INTEGER NOT NULL,
     UNIQUE (batch_id, position));
   CREATE TABLE versions (
     n INTEGER PRIMARY KEY,
     parent INTEGER,
     batch_id INTEGER UNIQUE REFERENCES batches (id),
     metrics BLOB,
     at INTEGER NOT NULL);
   CREATE TABLE evaluations (
     version INTEGER NOT NULL,
     whole INTEGER NOT NULL,
     greedy REAL NOT NULL,
     at INTEGER NOT NULL,
     data BLOB NOT NULL,
     PRIMARY KEY (version, whole));
   CREATE TABLE metric_names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
   CREATE TABLE metrics (
     name_id INTEGER NOT NULL REFERENCES metric_names (id),
     step INTEGER NOT NULL,
     value REAL,
     PRIMARY KEY (name_id, step)) WITHOUT ROWID;
   CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL);
   CREATE INDEX events_by_type ON events (type, id);`,
];

export const SCHEMA_VERSION = STEPS.length;

/** Runs the steps that the file lacks, each in its own transaction. @throws InputError for a newer file or somebody else's. */
export function migrate(db: Database): void {
  const version = pragma(db, 'user_version');
  if (version > SCHEMA_VERSION) {
    throw new InputError(
      `${db.path} has database version ${version}, but this Quorum knows versions up to ${SCHEMA_VERSION}: start the newer Quorum that wrote it, or choose another run folder`,
    );
  }
  const empty = db.row<{ n: number }>('SELECT count(*) AS n FROM sqlite_master')?.n === 0;
  if (pragma(db, 'application_id') !== APPLICATION_ID && !empty) {
    throw new InputError(`${db.path} is a SQLite database, but not one of Quorum's: choose another run folder`);
  }
  for (let step = version; step < SCHEMA_VERSION; step++) {
    db.transaction('durable', () => {
      db.script(STEPS[step]!);
      db.script(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.script(`PRAGMA user_version = ${step + 1}`);
    });
  }
}

function pragma(db: Database, name: 'user_version' | 'application_id'): number {
  return db.row<Record<string, number>>(`PRAGMA ${name}`)?.[name] ?? 0;
}
