/** Times work as the median of repeated runs, so that one interruption by the machine does not count. */
import { median } from '../src/lib/median.ts';

/** Median seconds of `runs` runs, after one uncounted warm-up run. */
export async function seconds(runs: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    await work();
    times.push((performance.now() - started) / 1000);
  }
  return median(times);
}

/** One line of the table and one entry of the JSON. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** A lower bound; for costs (bytes, share of the main thread) an upper bound. */
  readonly target?: number;
  readonly note?: string;
}

export function table(rows: readonly Row[]): string {
  const wide = Math.max(...rows.map(({ name }) => name.length)) + 2;
  return rows
    .map(({ name, value, unit, target, note }) => {
      const shown = `${value.toLocaleString('en-US', { maximumSignificantDigits: 4 })} ${unit}`.padStart(18);
      const wanted = target === undefined ? '' : `  (target ${target.toLocaleString('en-US')})`;
      return `${name.padEnd(wide)}${shown}${wanted}${note === undefined ? '' : `  ${note}`}`;
    })
    .join('\n');
}
