/**
 * The metrics as columns in memory, because reading them all takes SQLite a third of a second and a dashboard reads
 * them often. It shows only what is in the database: a write marks its step, and the next read loads marked steps
 * again, so a rolled-back transaction needs no special case. Memory: 8 bytes for each step of each metric, as many
 * steps as retention keeps.
 */
import type { History } from '../protocol/frames.ts';
import { Columns } from './columns.ts';
import type { Database } from './database.ts';
import type { Inspection } from './inspection.ts';

/** Maximum of marked steps; with more, the next read loads everything again. */
const MARKED = 1_000;

export class MetricHistory {
  readonly #db: Database;
  readonly #marked = new Set<number>();
  #columns: Columns | undefined;
  /** Set while `warm` reads; `forget` clears it. */
  #warming: object | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Call for each value that is written. */
  mark(step: number): void {
    if (this.#columns === undefined && this.#warming === undefined) return;
    this.#marked.add(step);
    if (this.#marked.size > MARKED) this.forget();
  }

  /** Call after values were deleted. */
  forget(): void {
    this.#columns = undefined;
    this.#warming = undefined;
    this.#marked.clear();
  }

  async warm(): Promise<void> {
    if (this.#columns !== undefined || this.#warming !== undefined) return;
    const mine = (this.#warming = {});
    const columns = new Columns();
    for (const { id, name } of this.#names()) {
      this.#read(columns, id, name);
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#warming !== mine) return;
    }
    this.#warming = undefined;
    this.#columns = columns;
  }

  history({ from = -Infinity, to = Infinity, maxPoints }: Parameters<Inspection['history']>[0]): History {
    return this.#fresh().history(from, to, maxPoints);
  }

  row(step: number): Readonly<Record<string, number>> {
    const rows = this.#db.rows<{ name: string; value: number }>(
      'SELECT name, value FROM metric_names CROSS JOIN metrics ON name_id = metric_names.id AND step = ? WHERE value IS NOT NULL',
      step,
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  #fresh(): Columns {
    if (this.#columns === undefined) {
      this.forget();
      this.#columns = new Columns();
      for (const { id, name } of this.#names()) this.#read(this.#columns, id, name);
    }
    for (const step of this.#marked) this.#columns.setStep(step, this.row(step));
    this.#marked.clear();
    return this.#columns;
  }

  #names(): readonly { readonly id: number; readonly name: string }[] {
    return this.#db.rows('SELECT id, name FROM metric_names ORDER BY name');
  }

  /** SQLite builds JSON: six times as fast as one row for each value. */
  #read(columns: Columns, id: number, name: string): void {
    const { steps, numbers } = this.#db.row<{ steps: string; numbers: string }>(
      `SELECT json_group_array(step) AS steps, json_group_array(value) AS numbers
       FROM (SELECT step, value FROM metrics WHERE name_id = ? AND value IS NOT NULL ORDER BY step)`,
      id,
    )!;
    columns.setColumn(name, JSON.parse(steps) as number[], JSON.parse(numbers) as number[]);
  }
}
