/**
 * The rows of the data as each start found them: the content of each, and the loop's id for that content. They are
 * never deleted, so an id always means the same content.
 */
import type { Question } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { packPlain, unpack } from './pack.ts';

/** Questions to learn from, questions to measure on, pictures. */
export type DataPart = 'train' | 'held-out' | 'picture';

export interface DataRow {
  /** The id in the data. */
  readonly source: string;
  /** Hash of text and pictures. */
  readonly digest: string;
  /** The id in the store. */
  readonly id: string;
  /** Whether the newest start found the row. */
  readonly present: boolean;
}

export class DataRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  rows(part: DataPart): readonly DataRow[] {
    const sql = 'SELECT source, digest, id, present FROM data_rows WHERE part = ?';
    const rows = this.#db.rows<Omit<DataRow, 'present'> & { present: number }>(sql, part);
    return rows.map((row) => ({ ...row, present: row.present === 1 }));
  }

  save(part: DataPart, rows: readonly DataRow[]): void {
    for (const { source, digest, id, present } of rows) {
      this.#db.run(
        `INSERT INTO data_rows (part, source, digest, id, present) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (part, source, digest) DO UPDATE SET present = excluded.present`,
        part,
        source,
        digest,
        id,
        present ? 1 : 0,
      );
    }
  }

  /** Questions of the data that the store holds. */
  stored(part: 'train' | 'held-out'): readonly Question[] {
    const sql = part === 'train' ? "SELECT data FROM questions WHERE origin = 'dataset'" : 'SELECT data FROM held_out';
    return this.#db.rows<{ data: ArrayBuffer }>(sql).map(({ data }) => unpack<Question>(data));
  }

  /** The present place of its pictures; the content is the same. */
  move(question: Question): void {
    for (const table of ['questions', 'pool', 'curriculum'])
      this.#db.run(`UPDATE ${table} SET data = ? WHERE id = ?`, packPlain(question), question.id);
  }
}
