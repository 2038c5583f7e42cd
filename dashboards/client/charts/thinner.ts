/**
 * Thins the rows of a `Columns` for a screen: a bucket of 2^k rows is drawn by its smallest and its largest value, in
 * their order, so that no peak is lost. Appending rows recomputes only the last bucket, so an update costs the same
 * with a hundred rows as with a hundred thousand.
 */
import type { Columns } from './columns.ts';

type Values = (number | null)[];

export class Thinner {
  readonly #columns: Columns;
  readonly #thinned = new Map<string, Values>();
  #steps: number[] = [];
  #at: number[] = [];
  #first = 0;
  #end = 0;
  #size = 1;

  constructor(columns: Columns) {
    this.#columns = columns;
  }

  get steps(): readonly number[] {
    return this.#steps;
  }

  /** Milliseconds since 1970. */
  get at(): readonly number[] {
    return this.#at;
  }

  values(name: string): readonly (number | null)[] {
    return this.#thinned.get(name) ?? [];
  }

  /**
   * Thins rows `first ..< end` to at most `2 * buckets` rows. @param changedFrom the result of `Columns.settle`.
   */
  update(first: number, end: number, buckets: number, changedFrom: number): void {
    const size = bucketSize(end - first, buckets);
    const same = first === this.#first && size === this.#size;
    const from = same ? Math.max(first, Math.min(changedFrom, this.#end)) : first;
    [this.#first, this.#end, this.#size] = [first, end, size];
    const bucket = Math.floor((from - first) / size);
    this.#rows(bucket, first, end);
    for (const name of this.#columns.names) this.#values(name, bucket, first, end);
  }

  #rows(bucket: number, first: number, end: number): void {
    const { steps, at } = this.#columns;
    const perBucket = this.#size === 1 ? 1 : 2;
    this.#steps.length = bucket * perBucket;
    this.#at.length = bucket * perBucket;
    for (let start = first + bucket * this.#size; start < end; start += this.#size) {
      const last = Math.min(start + this.#size, end) - 1;
      this.#steps.push(steps[start]!);
      this.#at.push(at[start]!);
      if (perBucket === 1) continue;
      this.#steps.push(steps[last]!);
      this.#at.push(at[last]!);
    }
  }

  #values(name: string, bucket: number, first: number, end: number): void {
    const column = this.#columns.column(name)!;
    let out = this.#thinned.get(name);
    if (out === undefined) this.#thinned.set(name, (out = []));
    const perBucket = this.#size === 1 ? 1 : 2;
    out.length = Math.min(out.length, bucket * perBucket);
    let start = first + (out.length / perBucket) * this.#size;
    for (; start < end; start += this.#size) {
      if (perBucket === 1) out.push(orNull(column[start]!));
      else pushExtremes(out, column, start, Math.min(start + this.#size, end));
    }
  }
}

function pushExtremes(out: Values, column: Float64Array, start: number, end: number): void {
  let [low, high, lowAt, highAt] = [Infinity, -Infinity, -1, -1];
  for (let i = start; i < end; i += 1) {
    const value = column[i]!;
    if (value < low) [low, lowAt] = [value, i];
    if (value > high) [high, highAt] = [value, i];
  }
  if (lowAt === -1) out.push(null, null);
  else if (lowAt === highAt) out.push(low, null);
  else if (lowAt <= highAt) out.push(low, high);
  else out.push(high, low);
}

/** Smallest power of two with which `rows` fit into `buckets`. */
function bucketSize(rows: number, buckets: number): number {
  let size = 1;
  while (rows / size > Math.max(1, buckets)) size *= 2;
  return size;
}

function orNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
