/** The tables as numbered steps. Never edit a released step: add another. */
import { InputError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { unpack, unpackVerdict } from './pack.ts';

/** Marks a SQLite file as ours ("Quor"). */
export const APPLICATION_ID = 0x5175_6f72;

interface Step {
  readonly sql: string;
  /** Fills new columns from packed values in older rows. */
  readonly backfill?: (db: Database) => void;
}

const TABLES: Step = {
  sql: `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
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
};

/** Columns for the dashboard's searches, and the answers of versions to held-out questions. */
const FACTS: Step = {
  sql: `ALTER TABLE questions ADD COLUMN kind TEXT;
   ALTER TABLE questions ADD COLUMN origin TEXT;
   ALTER TABLE questions ADD COLUMN parent_id TEXT;
   ALTER TABLE questions ADD COLUMN lower_text TEXT;
   CREATE INDEX questions_by_origin ON questions (origin);
   CREATE INDEX questions_by_kind ON questions (kind);
   ALTER TABLE verdicts ADD COLUMN share REAL;
   ALTER TABLE verdicts ADD COLUMN dropped TEXT;
   ALTER TABLE verdicts ADD COLUMN policy_version INTEGER;
   ALTER TABLE verdicts ADD COLUMN question_id TEXT;
   ALTER TABLE verdicts ADD COLUMN kind TEXT;
   ALTER TABLE verdicts ADD COLUMN origin TEXT;
   -- Any combination of filters is one pass over this index in the order of the pages: 1 ms for 20,000 groups, where joins take 25.
   CREATE INDEX verdicts_by_facts ON verdicts (sequence, kept, share, dropped, policy_version, question_id, kind, origin);
   CREATE INDEX verdicts_by_origin ON verdicts (origin, share);
   CREATE TABLE held_out (id TEXT PRIMARY KEY, truth TEXT NOT NULL, data BLOB NOT NULL);
   CREATE TABLE answers (
     version INTEGER NOT NULL,
     question_id TEXT NOT NULL REFERENCES held_out (id),
     answer TEXT,
     "right" INTEGER NOT NULL,
     PRIMARY KEY (version, question_id)) WITHOUT ROWID;
   CREATE INDEX answers_by_question ON answers (question_id);
   INSERT OR IGNORE INTO metric_names (name) SELECT 'at' WHERE EXISTS (SELECT 1 FROM versions);
   INSERT OR IGNORE INTO metrics (name_id, step, value) SELECT (SELECT id FROM metric_names WHERE name = 'at'), n, at FROM versions;`,
  backfill(db) {
    for (const { id, data } of db.rows<{ id: string; data: ArrayBuffer }>('SELECT id, data FROM questions')) {
      const { kind = null, origin, parentId = null, text } = unpack<Question>(data);
      const values = [kind, origin, parentId, text.toLowerCase(), id];
      db.run('UPDATE questions SET kind = ?, origin = ?, parent_id = ?, lower_text = ? WHERE id = ?', ...values);
    }
    for (const { sequence, data } of db.rows<{ sequence: number; data: ArrayBuffer }>(
      'SELECT sequence, data FROM verdicts',
    )) {
      const { share, dropped = null } = unpackVerdict(data);
      db.run('UPDATE verdicts SET share = ?, dropped = ? WHERE sequence = ?', share, dropped, sequence);
    }
    db.run(
      `UPDATE verdicts SET policy_version = it.policy_version, question_id = it.question_id, kind = it.kind, origin = it.origin
       FROM (SELECT groups.sequence, groups.policy_version, questions.id AS question_id, questions.kind, questions.origin
             FROM groups JOIN admissions USING (sequence) JOIN questions ON questions.id = admissions.question_id) AS it
       WHERE it.sequence = verdicts.sequence`,
    );
  },
};

const POOL: Step = {
  sql: `CREATE TABLE pool (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, data BLOB NOT NULL, uses INTEGER NOT NULL);
   CREATE TABLE rejected (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, reason TEXT NOT NULL, data BLOB NOT NULL);`,
};

/** The content that an id of the data stands for (data-rows.ts). */
const DATA: Step = {
  sql: `CREATE TABLE data_rows (
     part TEXT NOT NULL,
     source TEXT NOT NULL,
     digest TEXT NOT NULL,
     id TEXT NOT NULL,
     present INTEGER NOT NULL,
     PRIMARY KEY (part, source, digest)) WITHOUT ROWID;`,
};

/** Batches set aside: no version comes from them. `numbers`: the step's metrics as JSON, if it got that far. */
const SET_ASIDE: Step = {
  sql: `CREATE TABLE set_aside (
     batch_id INTEGER PRIMARY KEY REFERENCES batches (id) ON DELETE CASCADE,
     at INTEGER NOT NULL,
     cause TEXT NOT NULL,
     numbers TEXT);`,
};

/** Evaluations and answers without labels. The numbers of evaluations stay: exporters count by them. */
const LABEL_FREE: Step = {
  sql: `CREATE TABLE evaluations_2 (
     version INTEGER NOT NULL,
     whole INTEGER NOT NULL,
     greedy REAL,
     at INTEGER NOT NULL,
     data BLOB NOT NULL,
     PRIMARY KEY (version, whole));
   INSERT INTO evaluations_2 (rowid, version, whole, greedy, at, data) SELECT rowid, version, whole, greedy, at, data FROM evaluations;
   DROP TABLE evaluations;
   ALTER TABLE evaluations_2 RENAME TO evaluations;
   CREATE TABLE held_out_2 (id TEXT PRIMARY KEY, truth TEXT, data BLOB NOT NULL);
   CREATE TABLE answers_2 (
     version INTEGER NOT NULL,
     question_id TEXT NOT NULL REFERENCES held_out_2 (id),
     answer TEXT,
     "right" INTEGER,
     PRIMARY KEY (version, question_id)) WITHOUT ROWID;
   INSERT INTO held_out_2 SELECT id, truth, data FROM held_out;
   INSERT INTO answers_2 SELECT version, question_id, answer, "right" FROM answers;
   DROP TABLE answers;
   DROP TABLE held_out;
   ALTER TABLE held_out_2 RENAME TO held_out;
   ALTER TABLE answers_2 RENAME TO answers;
   CREATE INDEX answers_by_question ON answers (question_id);`,
};

/** What the checks found of a group. */
const CHECKS: Step = { sql: 'ALTER TABLE groups ADD COLUMN checks BLOB;' };

/** What the curriculum remembers (curriculum-rows.ts). */
const CURRICULUM: Step = {
  sql: `CREATE TABLE curriculum (
     id TEXT PRIMARY KEY,
     data BLOB NOT NULL,
     cluster TEXT NOT NULL,
     last TEXT NOT NULL,
     turn INTEGER NOT NULL,
     version INTEGER NOT NULL);
   CREATE TABLE curriculum_arms (
     cluster TEXT NOT NULL,
     last TEXT NOT NULL,
     judged REAL NOT NULL,
     learnt REAL NOT NULL,
     worth REAL NOT NULL,
     version INTEGER NOT NULL,
     asked INTEGER NOT NULL,
     kept INTEGER NOT NULL,
     PRIMARY KEY (cluster, last)) WITHOUT ROWID;`,
};

const STEPS: readonly Step[] = [TABLES, FACTS, POOL, DATA, SET_ASIDE, LABEL_FREE, CHECKS, CURRICULUM];

export const SCHEMA_VERSION = STEPS.length;

/**
 * Runs the steps that the file lacks, each in its own transaction. @throws InputError for a file of a newer Quorum or
 * of another program.
 */
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
      const { sql, backfill } = STEPS[step]!;
      db.script(sql);
      backfill?.(db);
      db.script(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.script(`PRAGMA user_version = ${step + 1}`);
    });
  }
}

function pragma(db: Database, name: 'user_version' | 'application_id'): number {
  return db.row<Record<string, number>>(`PRAGMA ${name}`)?.[name] ?? 0;
}
