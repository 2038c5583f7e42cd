/** From cells to the rows of the tables. */
import { mean } from '../lib/mean.ts';
import type { Accuracy } from '../protocol/messages.ts';
import type { CellResult } from './cell.ts';

export const MEASURES = ['greedy', 'pass1', 'majK', 'passK'] as const;
export type Measure = (typeof MEASURES)[number];

/** In [0, 1]. */
export interface MeanAndDeviation {
  readonly mean: number;
  /** Sample standard deviation (n - 1); null for a single seed. */
  readonly deviation: number | null;
}

export interface Row {
  readonly method: string;
  readonly variation: string | null;
  /** Trained and measured on hard data, not on the suites. */
  readonly onHardData: boolean;
  readonly seeds: number;
  /** By suite; `average` is the mean over suites, taken for each seed before the seeds are averaged. */
  readonly suites: Readonly<Record<string, Readonly<Record<Measure, MeanAndDeviation>>>>;
  /** Greedy accuracy by level, the mean over the suites that have it; empty without levels. */
  readonly levels: Readonly<Record<string, MeanAndDeviation>>;
  /** Greedy accuracy averaged over suites, of each seed: what is paired. */
  readonly bySeed: readonly { readonly seed: number; readonly greedy: number }[];
  readonly steps: MeanAndDeviation;
  readonly samples: MeanAndDeviation;
  readonly seconds: MeanAndDeviation;
}

export const AVERAGE = 'average';

/** One row for each method and variation, in the order of the cells. */
export function rowsOf(results: readonly CellResult[]): Row[] {
  const groups = new Map<string, CellResult[]>();
  for (const result of results) {
    const name = `${result.cell.method}\n${result.cell.variation ?? ''}\n${result.cell.onHardData ?? ''}`;
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return [...groups.values()].map((group) => {
    const [{ cell, suites }] = group as [CellResult];
    const names = Object.keys(suites);
    const bySuite = names.map((name) => [name, measured(group.map((result) => result.suites[name]!))] as const);
    return {
      method: cell.method,
      variation: cell.variation ?? null,
      onHardData: cell.onHardData === true,
      seeds: group.length,
      suites: {
        ...Object.fromEntries(bySuite),
        [AVERAGE]: measured(group.map((result) => averageOf(Object.values(result.suites)))),
      },
      levels: levelStatistics(group),
      bySeed: group.map((result) => ({
        seed: result.cell.seed,
        greedy: averageOf(Object.values(result.suites)).greedy,
      })),
      steps: statistics(group.map(({ steps }) => steps)),
      samples: statistics(group.map((result) => result.samples)),
      seconds: statistics(group.map(({ seconds }) => seconds)),
    };
  });
}

function measured(all: readonly Pick<Accuracy, Measure>[]): Record<Measure, MeanAndDeviation> {
  const [greedy, pass1, majK, passK] = MEASURES.map((measure) =>
    statistics(all.map((accuracy) => accuracy[measure])),
  ) as [MeanAndDeviation, MeanAndDeviation, MeanAndDeviation, MeanAndDeviation];
  return { greedy, pass1, majK, passK };
}

function averageOf(suites: readonly Accuracy[]): Record<Measure, number> {
  const of = (measure: Measure): number => mean(suites.map((suite) => suite[measure]));
  return { greedy: of('greedy'), pass1: of('pass1'), majK: of('majK'), passK: of('passK') };
}

function levelStatistics(group: readonly CellResult[]): Record<string, MeanAndDeviation> {
  const all = group.map(({ suites }) => Object.values(suites).map(({ levels = {} }) => levels));
  const names = new Set(all.flat().flatMap((levels) => Object.keys(levels)));
  const of = (name: string) =>
    all.flatMap((suites) => {
      const values = suites.flatMap((levels) => levels[name] ?? []);
      return values.length === 0 ? [] : [mean(values)];
    });
  return Object.fromEntries([...names].map((name) => [name, statistics(of(name))]));
}

/** Levels of any row, from the easiest to the hardest. */
export function levelsOf(rows: readonly Pick<Row, 'levels'>[]): string[] {
  return [...new Set(rows.flatMap(({ levels }) => Object.keys(levels)))].toSorted((a, b) => Number(a) - Number(b));
}

export function statistics(values: readonly number[]): MeanAndDeviation {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) };
}

export function percent(value: number): string {
  return (100 * value).toFixed(1);
}

/** In %, with the standard deviation where there is one. */
export function shown({ mean, deviation }: MeanAndDeviation): string {
  return deviation === null ? percent(mean) : `${percent(mean)} ± ${percent(deviation)}`;
}
