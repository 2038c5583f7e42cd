/** Formats an accuracy as a table, for `eval` and the end of `pretrain`. */
import pc from 'picocolors';
import { mean } from '../../lib/mean.ts';
import type { Accuracy } from '../../protocol/messages.ts';
import { percent } from './format.ts';

export function accuracyTable(accuracy: Accuracy): string[] {
  const { n, k, greedy, pass1, majK, passK } = accuracy;
  const rows: readonly (readonly [string, number])[] = [
    ['greedy', greedy],
    ['pass@1', pass1],
    [`maj@${k}`, majK],
    [`pass@${k}`, passK],
  ];
  const wide = width(['pass@10000', ...Object.keys(accuracy.byKind)]);
  const kinds = kindRows(accuracy, wide);
  return [
    ...rows.map(([name, value]) => `${name.padEnd(wide)}${percent(value).padStart(8)}`),
    pc.dim(`${n} questions`),
    ...(kinds.length > 0 ? ['', ...kinds] : []),
    ...levelRows(accuracy, wide),
  ];
}

function levelRows({ levels = {} }: Accuracy, wide: number): string[] {
  const rows = Object.entries(levels).map(([level, greedy]) => `${level.padEnd(wide)}${percent(greedy).padStart(8)}`);
  return rows.length === 0 ? [] : ['', pc.dim(`${'level'.padEnd(wide)}  greedy`), ...rows];
}

function width(names: readonly string[]): number {
  return Math.max(...names.map((name) => name.length)) + 4;
}

/** A heading and a row for each kind; empty without kinds. */
function kindRows({ byKind }: Accuracy, wide: number): string[] {
  const rows = Object.entries(byKind).map(
    ([kind, of]) => `${kind.padEnd(wide)}${percent(of.greedy).padStart(8)}${String(of.n).padStart(6)}`,
  );
  return rows.length === 0 ? [] : [pc.dim(`${'kind'.padEnd(wide)}  greedy     n`), ...rows];
}

const MEASURES = ['greedy', 'pass1', 'majK', 'passK'] as const;

/** The mean of each measure, with equal weight for every data set. */
export function meanOf(of: readonly Accuracy[]): Readonly<Record<(typeof MEASURES)[number], number>> {
  const each = (measure: (typeof MEASURES)[number]) => mean(of.map((accuracy) => accuracy[measure]));
  return { greedy: each('greedy'), pass1: each('pass1'), majK: each('majK'), passK: each('passK') };
}

/** A row for each data set and one for their mean, then the kinds of each data set. */
export function suitesTable(suites: readonly { readonly data: string; readonly accuracy: Accuracy }[]): string[] {
  const k = suites[0]?.accuracy.k ?? 0;
  const wide = width(suites.flatMap(({ data, accuracy }) => [data, ...Object.keys(accuracy.byKind)]));
  const row = (name: string, values: Readonly<Record<(typeof MEASURES)[number], number>>) =>
    `${name.padEnd(wide)}${MEASURES.map((measure) => percent(values[measure]).padStart(9)).join('')}`;
  const head = ['greedy', 'pass@1', `maj@${k}`, `pass@${k}`, 'n'];
  return [
    pc.dim(`${''.padEnd(wide)}${head.map((name) => name.padStart(9)).join('')}`),
    ...suites.map(({ data, accuracy }) => `${row(data, accuracy)}${String(accuracy.n).padStart(9)}`),
    pc.bold(row('mean', meanOf(suites.map(({ accuracy }) => accuracy)))),
    ...suites.flatMap(({ data, accuracy }) => {
      const kinds = kindRows(accuracy, wide);
      const levels = levelRows(accuracy, wide);
      return kinds.length > 2 || levels.length > 0 ? ['', data, ...kinds, ...levels] : [];
    }),
  ];
}
