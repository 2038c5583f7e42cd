/** Versions for the dashboard, with their evaluations and their answers to held-out questions. */
import type { VersionRow } from '../protocol/frames.ts';
import type { Evaluation, HeldOutAnswer, Question, StepMetrics } from '../protocol/messages.ts';
import { storableText } from '../protocol/storable.ts';
import type { Database } from './database.ts';
import type { Inspection, Page } from './inspection.ts';
import { packPlain, unpack } from './pack.ts';
import { page } from './page.ts';

interface Row {
  readonly n: number;
  readonly parent: number | null;
  readonly at: number;
  readonly metrics: ArrayBuffer | null;
  readonly quick: ArrayBuffer | null;
  readonly whole: ArrayBuffer | null;
  readonly comparable: number;
}

const WHICH = {
  all: '',
  evaluated: 'AND n IN (SELECT version FROM evaluations)',
  saved: 'AND n IN (SELECT value FROM json_each(?1))',
};

export class VersionRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find({ before = Number.MAX_SAFE_INTEGER, limit, only, saved }: Page & Parameters<Inspection['findVersions']>[0]): {
    versions: readonly VersionRow[];
    next: number | null;
  } {
    const found = this.#db.rows<Row>(
      `SELECT n, parent, versions.at, metrics, quick.data AS quick, whole.data AS whole,
         EXISTS (SELECT 1 FROM answers WHERE answers.version = n) AS comparable
       FROM versions LEFT JOIN evaluations AS quick ON quick.version = n AND quick.whole = 0
         LEFT JOIN evaluations AS whole ON whole.version = n AND whole.whole = 1
       WHERE n < ?2 AND ?1 IS NOT NULL ${WHICH[only ?? 'all']} ORDER BY n DESC LIMIT ?3`,
      JSON.stringify([...saved]),
      before,
      limit + 1,
    );
    const { rows, next } = page(found, limit, ({ n }) => n);
    return { versions: rows.map((row) => versionRow(row, saved)), next };
  }

  saveAnswers(version: number, answers: readonly HeldOutAnswer[]): void {
    for (const { question, truth, answer, right } of answers) {
      this.#db.run(
        'INSERT INTO held_out (id, truth, data) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET truth = excluded.truth, data = excluded.data',
        question.id,
        truth,
        packPlain(question),
      );
      this.#db.run(
        'INSERT OR REPLACE INTO answers (version, question_id, answer, "right") VALUES (?, ?, ?, ?)',
        version,
        question.id,
        answer === null ? null : storableText(answer),
        right === null ? null : Number(right),
      );
    }
  }

  answers(version: number): readonly HeldOutAnswer[] | undefined {
    const rows = this.#db.rows<{
      data: ArrayBuffer;
      truth: string | null;
      answer: string | null;
      right: number | null;
    }>(
      `SELECT data, truth, answer, "right" FROM answers JOIN held_out ON held_out.id = question_id WHERE version = ? ORDER BY question_id`,
      version,
    );
    if (rows.length === 0) return undefined;
    return rows.map(({ data, truth, answer, right }) => ({
      question: unpack<Question>(data),
      truth,
      answer,
      right: right === null ? null : right === 1,
    }));
  }
}

function versionRow({ n, parent, at, metrics, quick, whole, comparable }: Row, saved: ReadonlySet<number>): VersionRow {
  const full = whole && unpack<Evaluation>(whole);
  const evaluation = full ?? (quick && unpack<Evaluation>(quick));
  return {
    n,
    parent,
    at,
    metrics: metrics && unpack<StepMetrics>(metrics),
    greedy: evaluation?.greedy ?? null,
    full: full?.full ?? null,
    labelFree: evaluation?.labelFree ?? null,
    saved: saved.has(n),
    comparable: comparable === 1,
  };
}
