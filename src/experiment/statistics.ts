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

export function statistics(values: readonly number[]): MeanAndDeviation {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, deviation: values.length < 2 ? null : Math.sqrt(squares / (values.length - 1)) };
}

export interface Expectation {
  readonly text: string;
  /** Null when a method that it needs was not run. */
  readonly held: boolean | null;
  readonly detail: string;
}

export interface Tables {
  readonly rows: readonly Row[];
  readonly expectations: readonly Expectation[];
}

const MARGIN = 0.015;
const GAIN = 0.2;

/** The orderings that the paper reports, on the greedy accuracy averaged over suites. */
export function expectations(rows: readonly Row[]): Expectation[] {
  const of = (method: string): number | undefined =>
    rows.find((row) => row.method === method && row.variation === null && !row.onHardData)?.suites[AVERAGE]!.greedy
      .mean;
  const compare = (text: string, left: string, right: string, least: number): Expectation => {
    const [a, b] = [of(left), of(right)];
    if (a === undefined || b === undefined)
      return { text, held: null, detail: `${a === undefined ? left : right} was not run` };
    // Strict for a claim with `>`: `least` is 0, and equality is not a win.
    const held = least === 0 ? a > b : a - b >= least;
    return { text, held, detail: `${percent(a)} against ${percent(b)}` };
  };
  return [
    compare('MM-UPT is at most 1.5 points below supervised GRPO', 'mm-upt', 'supervised-grpo', -MARGIN),
    ...['lmsi', 'srlm', 'genixer', 'stic'].map((other) => compare(`MM-UPT is above ${other}`, 'mm-upt', other, 0)),
    ...['mm-upt+in-context', 'mm-upt+direct'].map((other) =>
      compare(`${other} is at most 1.5 points below MM-UPT`, other, 'mm-upt', -MARGIN),
    ),
    compare('MM-UPT is at least 20 points above the base', 'mm-upt', 'base', GAIN),
  ];
}

export function percent(value: number): string {
  return (100 * value).toFixed(1);
}

/** In %, with the standard deviation where there is one. */
export function shown({ mean, deviation }: MeanAndDeviation): string {
  return deviation === null ? percent(mean) : `${percent(mean)} ± ${percent(deviation)}`;
}
