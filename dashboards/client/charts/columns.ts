/**
 * Metrics over learner steps, as columns that grow: first the server's history, then each update's points. A step can
 * arrive again with other names (evaluations come later); its values then go into the existing row.
 */
import type { History, MetricRow } from '../../../src/protocol/frames.ts';

const FIRST_CAPACITY = 1024;

export class Columns {
  #steps = new Float64Array(FIRST_CAPACITY);
  #at = new Float64Array(FIRST_CAPACITY);
  /** Column by name; NaN where nothing was recorded. */
  readonly #columns = new Map<string, Float64Array>();
  #length = 0;
  /** First row that changed since `settle`; `length` if no row changed. */
  #changedFrom = 0;

  static of(history: History): Columns {
    const columns = new Columns();
    columns.#reserve(history.steps.length);
    columns.#steps.set(history.steps);
    columns.#at.set(history.at);
    columns.#length = history.steps.length;
    for (const [name, values] of Object.entries(history.columns)) {
      const column = columns.#column(name);
      for (let i = 0; i < values.length; i += 1) column[i] = values[i] ?? Number.NaN;
    }
    return columns;
  }

  get length(): number {
    return this.#length;
  }

  get names(): readonly string[] {
    return [...this.#columns.keys()];
  }

  get steps(): Float64Array {
    return this.#steps;
  }

  /** Milliseconds since 1970. */
  get at(): Float64Array {
    return this.#at;
  }

  column(name: string): Float64Array | undefined {
    return this.#columns.get(name);
  }

  /** The newest value at or before row `i`, such as the last evaluation's at a step without one. */
  valueBefore(name: string, i: number): number | null {
    const row = this.rowBefore(name, i);
    return row < 0 ? null : this.#columns.get(name)![row]!;
  }

  /** The row of that value; -1 if there is none. */
  rowBefore(name: string, i: number): number {
    const column = this.#columns.get(name);
    if (column === undefined) return -1;
    for (let row = Math.min(i, this.#length - 1); row >= 0; row -= 1) if (!Number.isNaN(column[row]!)) return row;
    return -1;
  }

  add(rows: readonly MetricRow[]): void {
    for (const row of rows) {
      const i = this.#rowOf(row);
      for (const [name, value] of Object.entries(row.values)) this.#column(name)[i] = value;
      this.#changedFrom = Math.min(this.#changedFrom, i);
    }
  }

  /** Marks all rows as seen; returns the first row that had changed. */
  settle(): number {
    const from = Math.min(this.#changedFrom, this.#length);
    this.#changedFrom = this.#length;
    return from;
  }

  /** First row whose step (or time) is at least `x`. */
  lowerBound(x: number, by: 'steps' | 'at'): number {
    const keys = by === 'steps' ? this.#steps : this.#at;
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Row nearest to `x`; -1 without rows. */
  nearest(x: number, by: 'steps' | 'at'): number {
    if (this.#length === 0) return -1;
    const keys = by === 'steps' ? this.#steps : this.#at;
    const right = Math.min(this.lowerBound(x, by), this.#length - 1);
    return right > 0 && x - keys[right - 1]! < keys[right]! - x ? right - 1 : right;
  }

  /** Finds the row of a step, or inserts one. */
  #rowOf({ step, at }: MetricRow): number {
    const i = this.lowerBound(step, 'steps');
    // In a thinned history a row stands for a bucket of steps up to its own; use that row.
    if (i < this.#length) return i;
    this.#reserve(this.#length + 1);
    this.#steps[i] = step;
    this.#at[i] = Math.max(at, i > 0 ? this.#at[i - 1]! : at);
    this.#length = i + 1;
    return i;
  }

  #column(name: string): Float64Array {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = new Float64Array(this.#steps.length).fill(Number.NaN);
      this.#columns.set(name, column);
      this.#changedFrom = 0;
    }
    return column;
  }

  #reserve(length: number): void {
    if (length <= this.#steps.length) return;
    const capacity = Math.max(length, this.#steps.length * 2);
    const grown = (old: Float64Array, fill: number) => {
      const next = new Float64Array(capacity).fill(fill, old.length);
      next.set(old);
      return next;
    };
    this.#steps = grown(this.#steps, 0);
    this.#at = grown(this.#at, 0);
    for (const [name, column] of this.#columns) this.#columns.set(name, grown(column, Number.NaN));
  }
}
