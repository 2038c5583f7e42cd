/** Synthetic questions that wait to be asked, and refused ones with the reason. */
import type { Question } from '../protocol/messages.ts';
import { count } from './counters.ts';
import type { Database } from './database.ts';
import { packPlain, unpack } from './pack.ts';

export interface PooledQuestion {
  readonly question: Question;
  /** How often it was asked. */
  readonly uses: number;
}

export interface RejectedQuestion {
  readonly question: Question;
  readonly reason: string;
}

export interface PoolChange {
  /** Questions to add or to update. */
  readonly put?: readonly PooledQuestion[];
  readonly remove?: readonly string[];
  readonly rejected?: readonly RejectedQuestion[];
}

export interface SyntheticCounts {
  readonly written: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
}

/** How many rejected questions are kept for inspection; the counts include all of them. */
const MOST_REJECTED = 2_000;

export class PoolRows {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  entries(): readonly PooledQuestion[] {
    const rows = this.#db.rows<{ data: ArrayBuffer; uses: number }>('SELECT data, uses FROM pool ORDER BY number');
    return rows.map(({ data, uses }) => ({ question: unpack<Question>(data), uses }));
  }

  change({ put = [], remove = [], rejected = [] }: PoolChange): void {
    for (const { question, uses } of put) {
      const isNew = this.#db.run('UPDATE pool SET uses = ? WHERE id = ?', uses, question.id) === 0;
      if (!isNew) continue;
      this.#db.run('INSERT INTO pool (id, data, uses) VALUES (?, ?, ?)', question.id, packPlain(question), uses);
      count(this.#db, 'synthetic.accepted', 1);
    }
    for (const id of remove) this.#db.run('DELETE FROM pool WHERE id = ?', id);
    for (const { question, reason } of rejected) {
      this.#db.run(
        'INSERT INTO rejected (at, reason, data) VALUES (?, ?, ?)',
        this.#now(),
        reason,
        packPlain(question),
      );
      count(this.#db, `synthetic.rejected:${reason}`, 1);
    }
    if (rejected.length > 0)
      this.#db.run('DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?', MOST_REJECTED);
  }

  /** Newest first. */
  rejected(limit: number): readonly (RejectedQuestion & { readonly at: number })[] {
    const rows = this.#db.rows<{ at: number; reason: string; data: ArrayBuffer }>(
      'SELECT at, reason, data FROM rejected ORDER BY id DESC LIMIT ?',
      limit,
    );
    return rows.map(({ at, reason, data }) => ({ question: unpack<Question>(data), reason, at }));
  }

  counts(): SyntheticCounts {
    const rows = this.#db.rows<{ name: string; value: number }>(
      "SELECT name, value FROM counters WHERE name LIKE 'synthetic.%'",
    );
    const prefix = 'synthetic.rejected:';
    const rejected = rows
      .filter(({ name }) => name.startsWith(prefix))
      .map(({ name, value }) => [name.slice(prefix.length), value] as const);
    const accepted = rows.find(({ name }) => name === 'synthetic.accepted')?.value ?? 0;
    const written =
      accepted + rejected.filter(([reason]) => FORM.has(reason)).reduce((sum, [, value]) => sum + value, 0);
    return { written, accepted, rejected: Object.fromEntries(rejected) };
  }
}

/** Reasons that kept a question out of the pool; any other reason is the vote's. */
const FORM: ReadonlySet<string> = new Set(['unfinished', 'malformed', 'duplicate']);
