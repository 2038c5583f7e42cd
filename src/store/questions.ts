/** Questions for the dashboard: by id, as counts, and the daemon's own. */
import type { QuestionStats } from '../protocol/frames.ts';
import type { Origin, Question } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { diversityOf } from './diversity.ts';
import type { Page, SyntheticRow } from './inspection.ts';
import { unpack } from './pack.ts';
import { page } from './page.ts';

/** How many of an origin's newest questions its diversity is measured on. */
const DIVERSITY_SAMPLE = 500;
const BANDS = 10;
/** A share of 0.3 falls in the band that starts at 0.3 despite rounding. */
const EDGE = 1e-9;

type CountRow = { readonly name: string; readonly n: number };

export class Questions {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  admitted(id: string): Question | undefined {
    const row = this.#db.row<{ data: ArrayBuffer }>('SELECT data FROM questions WHERE id = ?', id);
    return row && unpack<Question>(row.data);
  }

  /** Held-out questions included. */
  byId(id: string): Question | undefined {
    const admitted = this.admitted(id);
    if (admitted) return admitted;
    const row = this.#db.row<{ data: ArrayBuffer }>('SELECT data FROM held_out WHERE id = ?', id);
    return row && unpack<Question>(row.data);
  }

  stats(): QuestionStats {
    const byOrigin = this.#db.rows<CountRow>('SELECT origin AS name, count(*) AS n FROM questions GROUP BY origin');
    const byKind = this.#db.rows<CountRow>(
      'SELECT kind AS name, count(*) AS n FROM questions WHERE kind IS NOT NULL GROUP BY kind',
    );
    return {
      byOrigin: Object.fromEntries(byOrigin.map(({ name, n }) => [name, n])),
      byKind: Object.fromEntries(byKind.map(({ name, n }) => [name, n])),
      shares: this.#shares(),
      diversity: Object.fromEntries(byOrigin.map(({ name }) => [name, diversityOf(this.#newestTexts(name as Origin))])),
    };
  }

  synthetic({ before = Number.MAX_SAFE_INTEGER, limit }: Page): {
    questions: readonly SyntheticRow[];
    next: number | null;
  } {
    const found = this.#db.rows<{ number: number; id: string; data: ArrayBuffer; parent: string | null }>(
      `SELECT rowid AS number, id, data, parent_id AS parent FROM questions WHERE origin IN ('in-context', 'direct', 'plugin') AND rowid < ?
       ORDER BY rowid DESC LIMIT ?`,
      before,
      limit + 1,
    );
    const { rows, next } = page(found, limit, ({ number }) => number);
    const questions = rows.map(({ id, data, parent }) => ({
      question: unpack<Question>(data),
      parent: (parent === null ? undefined : this.byId(parent)) ?? null,
      ...this.#votes(id),
    }));
    return { questions, next };
  }

  #votes(id: string): { groups: number; meanShare: number | null } {
    return this.#db.row<{ groups: number; meanShare: number | null }>(
      `SELECT count(*) AS groups, avg(share) AS meanShare FROM admissions JOIN verdicts ON verdicts.sequence = admissions.sequence
       WHERE admissions.question_id = ?`,
      id,
    )!;
  }

  #shares(): QuestionStats['shares'] {
    // An index gives this order, so SQLite does not sort; a share is votes / G, so there are few distinct values.
    const rows = this.#db.rows<{ origin: Origin; share: number; n: number }>(
      'SELECT origin, share, count(*) AS n FROM verdicts GROUP BY origin, share',
    );
    const shares: Partial<Record<Origin, number[]>> = {};
    for (const { origin, share, n } of rows) {
      const bands = (shares[origin] ??= Array.from({ length: BANDS }, () => 0));
      bands[Math.min(BANDS - 1, Math.floor(share * BANDS + EDGE))]! += n;
    }
    return shares;
  }

  #newestTexts(origin: Origin): readonly string[] {
    const rows = this.#db.rows<{ text: string }>(
      'SELECT lower_text AS text FROM questions WHERE origin = ? ORDER BY rowid DESC LIMIT ?',
      origin,
      DIVERSITY_SAMPLE,
    );
    return rows.map(({ text }) => text);
  }
}
