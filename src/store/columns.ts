/**
 * Metrics in memory: one ascending list of steps, and one array for each metric, NaN where it has no value.
 */
import type { History } from '../protocol/frames.ts';

/** The metric for the time of a step, in milliseconds since 1970. */
const AT = 'at';
const FIRST_CAPACITY = 256;

export class Columns {
  #steps = new Float64Array(FIRST_CAPACITY);
  #length = 0;
  readonly #columns = new Map<string, Float64Array>();

  /** Adds a metric; `steps` ascend. */
  setColumn(name: string, steps: readonly number[], values: readonly number[]): void {
    this.#include(steps);
    const column = this.#column(name);
    let i = 0;
    for (const [j, step] of steps.entries()) {
      while (this.#steps[i]! < step) i += 1;
      column[i] = values[j]!;
    }
  }

  /** Replaces every value of one step. */
  setStep(step: number, values: Readonly<Record<string, number>>): void {
    const names = Object.keys(values);
    if (names.length > 0) this.#include([step]);
    const i = this.#indexOf(step);
    if (i === this.#length || this.#steps[i] !== step) return;
    for (const column of this.#columns.values()) column[i] = Number.NaN;
    for (const name of names) this.#column(name)[i] = values[name]!;
  }

  history(from: number, to: number, maxPoints: number): History {
    const first = this.#indexOf(from);
    const end = to === Infinity ? this.#length : this.#indexOf(to + 1);
    const n = Math.max(0, end - first);
    const points = Math.max(1, Math.min(n, Math.floor(maxPoints)));
    // End of bucket b; its step is that of its last point.
    const ends = n === 0 ? [] : Array.from({ length: points }, (_, b) => first + Math.floor(((b + 1) * n) / points));
    const columns: Record<string, (number | null)[]> = {};
    for (const [name, column] of this.#columns) {
      const means = name === AT ? [] : bucketMeans(column, first, ends);
      if (means.some((mean) => mean !== null)) columns[name] = means;
    }
    return { steps: ends.map((next) => this.#steps[next - 1]!), at: this.#times(ends), columns };
  }

  /** A step without a time takes that of the nearest earlier step with one, else of the nearest later step. */
  #times(ends: readonly number[]): number[] {
    const at = this.#columns.get(AT);
    if (at === undefined) return ends.map(() => 0);
    const known = (i: number) => !Number.isNaN(at[i]!);
    let i = (ends[0] ?? 0) - 1;
    while (i > 0 && !known(i)) i -= 1;
    while (i < this.#length && !known(i)) i += 1;
    let last = i < this.#length && i >= 0 ? at[i]! : 0;
    return ends.map((end) => {
      for (; i < end; i++) if (known(i)) last = at[i]!;
      return last;
    });
  }

  #column(name: string): Float64Array {
    let column = this.#columns.get(name);
    if (!column) {
      column = new Float64Array(this.#steps.length).fill(Number.NaN);
      this.#columns.set(name, column);
    }
    return column;
  }

  /** First index with a step >= `step`. */
  #indexOf(step: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#steps[middle]! < step) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes room for new steps, usually one after the last. */
  #include(steps: readonly number[]): void {
    const missing = steps.filter((step) => {
      const i = this.#indexOf(step);
      return i === this.#length || this.#steps[i] !== step;
    });
    if (missing.length === 0) return;
    const before = this.#steps.slice(0, this.#length);
    const length = before.length + missing.length;
    const merged =
      missing[0]! > (before.at(-1) ?? -Infinity) ? undefined : Float64Array.from([...before, ...missing]).toSorted();
    if (merged === undefined && length <= this.#steps.length) this.#steps.set(missing, before.length);
    else this.#rebuild(before, merged ?? Float64Array.from([...before, ...missing]));
    this.#length = length;
  }

  #rebuild(before: Float64Array, after: Float64Array): void {
    const capacity = Math.max(FIRST_CAPACITY, 2 * after.length);
    this.#steps = new Float64Array(capacity);
    this.#steps.set(after);
    this.#length = after.length;
    for (const [name, old] of this.#columns) {
      const column = new Float64Array(capacity).fill(Number.NaN);
      let i = 0;
      for (const [j, step] of before.entries()) {
        while (after[i]! < step) i += 1;
        column[i] = old[j]!;
      }
      this.#columns.set(name, column);
    }
  }
}

/** Means of the numbers in each bucket; null where it has none. */
function bucketMeans(column: Float64Array, first: number, ends: readonly number[]): (number | null)[] {
  let i = first;
  return ends.map((end) => {
    let sum = 0;
    let count = 0;
    for (; i < end; i++) {
      const value = column[i]!;
      if (Number.isNaN(value)) continue;
      sum += value;
      count += 1;
    }
    return count === 0 ? null : sum / count;
  });
}
