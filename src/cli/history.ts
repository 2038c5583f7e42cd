/** Formats the output of `quorum history`: all rows as JSON or CSV, or the rows that fit as a table. */
import pc from 'picocolors';
import { METRICS } from '../../streams/metrics.ts';
import type { HistoryRow } from '../store/read-history.ts';
import { clock, DASH, day, fixed, percent } from './view/format.ts';

/** `[{version, at, ...}]`: `at` as ISO 8601, and each metric that the version has. */
export function historyJson(rows: readonly HistoryRow[]): string {
  return JSON.stringify(
    rows.map(({ version, values: { at, ...metrics } }) => ({
      version,
      ...(at === undefined ? {} : { at: new Date(at).toISOString() }),
      ...metrics,
    })),
    null,
    2,
  );
}

/** A header and one line per version; a metric that the version lacks is empty. Numbers and names need no quotes. */
export function historyCsv(rows: readonly HistoryRow[]): string[] {
  const found = new Set(rows.flatMap(({ values }) => Object.keys(values)));
  found.delete('at');
  const known = Object.keys(METRICS).filter((name) => found.has(name));
  const names = [...known, ...[...found].filter((name) => !(name in METRICS)).toSorted()];
  const line = ({ version, values }: HistoryRow) =>
    [
      version,
      values['at'] === undefined ? '' : new Date(values['at']).toISOString(),
      ...names.map((name) => values[name] ?? ''),
    ].join(',');
  return [['version', 'at', ...names].join(','), ...rows.map(line)];
}

/** Metric -> heading and format, in the order of the columns. Metrics that no version has are left out. */
const COLUMNS: Readonly<Record<string, readonly [heading: string, write: (value: number | null) => string]>> = {
  greedy: ['accuracy', percent],
  voteShare: ['vote share', (value) => fixed(value, 2)],
  votesLost: ['votes lost', percent],
  'guardian.agreement': ['agreement', (value) => fixed(value, 2)],
  reward: ['reward', (value) => fixed(value, 2)],
  entropy: ['entropy', (value) => fixed(value, 3)],
  kl: ['KL', (value) => fixed(value, 4)],
  loss: ['loss', (value) => fixed(value, 4)],
  responseTokens: ['length', (value) => fixed(value, 1)],
  learningRate: ['rate', (value) => (value === null ? DASH : value.toExponential(1))],
};

/** @param left number of earlier versions that `rows` leaves out. */
export function historyTable(rows: readonly HistoryRow[], left: number): string[] {
  if (rows.length === 0) return ['No version has a metric yet.'];
  const shown = Object.entries(COLUMNS).filter(([name]) => rows.some(({ values }) => values[name] !== undefined));
  const cells = rows.map(({ version, values }) => {
    const { at } = values;
    const when = at === undefined ? DASH : `${day(at)} ${clock(at)}`;
    return [String(version), when, ...shown.map(([name, [, write]]) => write(values[name] ?? null))];
  });
  const head = ['version', 'time', ...shown.map(([, [heading]]) => heading)];
  const widths = head.map((heading, i) => Math.max(heading.length, ...cells.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) => row.map((cell, i) => cell.padStart(widths[i]!)).join('  ');
  const more = left === 0 ? [] : [pc.dim(`${left} earlier versions are not shown: --last, --csv or --json has them`)];
  return [pc.dim(line(head)), ...cells.map(line), ...more];
}
