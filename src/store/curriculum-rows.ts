/** What the curriculum remembers: questions with their last outcome, and the evidence by cluster. */
import type { ArmRow, Remembered } from '../protocol/curriculum.ts';
import type { Question } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { packPlain, unpack } from './pack.ts';

export interface CurriculumChange {
  readonly add?: readonly (Remembered & { readonly question: Question })[];
  readonly remove?: readonly string[];
  /** Questions that were judged. */
  readonly move?: readonly Remembered[];
  readonly arms?: readonly ArmRow[];
}

const FIELDS = 'cluster, last, turn, version';

export class CurriculumRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  read(): { questions: readonly Remembered[]; arms: readonly ArmRow[] } {
    return {
      questions: this.#db.rows(`SELECT id, ${FIELDS} FROM curriculum ORDER BY turn, id`),
      arms: this.#db.rows('SELECT cluster, last, judged, learnt, worth, version, asked, kept FROM curriculum_arms'),
    };
  }

  question(id: string): Question | undefined {
    const row = this.#db.row<{ data: ArrayBuffer }>('SELECT data FROM curriculum WHERE id = ?', id);
    return row && unpack<Question>(row.data);
  }

  change({ add = [], remove = [], move = [], arms = [] }: CurriculumChange): void {
    for (const { id, cluster, last, turn, version, question } of add)
      this.#db.run(
        `INSERT INTO curriculum (id, data, ${FIELDS}) VALUES (?, ?, ?, ?, ?, ?)`,
        id,
        packPlain(question),
        cluster,
        last,
        turn,
        version,
      );
    for (const id of remove) this.#db.run('DELETE FROM curriculum WHERE id = ?', id);
    for (const { id, last, turn, version } of move)
      this.#db.run('UPDATE curriculum SET last = ?, turn = ?, version = ? WHERE id = ?', last, turn, version, id);
    for (const { cluster, last, judged, learnt, worth, version, asked, kept } of arms)
      this.#db.run(
        'INSERT OR REPLACE INTO curriculum_arms (cluster, last, judged, learnt, worth, version, asked, kept) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        cluster,
        last,
        judged,
        learnt,
        worth,
        version,
        asked,
        kept,
      );
  }

  /** Forgets questions that are gone from the data. */
  withdraw(isGone: (question: Question) => boolean): void {
    const rows = this.#db.rows<{ id: string; data: ArrayBuffer }>('SELECT id, data FROM curriculum');
    this.change({ remove: rows.filter(({ data }) => isGone(unpack<Question>(data))).map(({ id }) => id) });
  }

  clear(): void {
    this.#db.run('DELETE FROM curriculum');
    this.#db.run('DELETE FROM curriculum_arms');
  }
}
