/** The tables as Markdown and CSV. */
import type { Common } from './cell.ts';
import { METHODS } from './methods.ts';
import { expectationWords, type Tables } from './expectations.ts';
import { textTable } from './plots.ts';
import { AVERAGE, levelsOf, MEASURES, percent, shown, type MeanAndDeviation, type Row } from './statistics.ts';

export function markdownOf({ rows, expectations }: Tables, common: Common): string {
  const own = rows.filter(({ variation, onHardData }) => variation === null && !onHardData);
  const varied = rows.filter(({ variation, onHardData }) => variation !== null && !onHardData);
  const hard = rows.filter(({ onHardData }) => onHardData);
  const measures = ['greedy', 'pass@1', `maj@${common.k}`, `pass@${common.k}`];
  const suites = Object.keys(rows[0]?.suites ?? {});
  return [
    `Greedy accuracy in % on ${common.suiteQuestions} held-out questions of each suite, mean ± standard deviation over seeds; ${common.questions} questions asked in each run.`,
    '',
    ...textTable(
      ['method', 'seeds', 'labels', ...suites, 'steps', 'samples'],
      own.map((row) => greedyRow(row, suites)),
    ),
    '',
    ...levelLines(own),
    `The average over suites by how it is measured (k = ${common.k}).`,
    '',
    ...textTable(['method', ...measures], own.map(measureRow)),
    '',
    ...(varied.length === 0
      ? []
      : [
          'MM-UPT with one thing changed; the average over suites.',
          '',
          ...textTable(['change', ...measures], varied.map(measureRow)),
          '',
          ...levelLines(varied),
        ]),
    ...(hard.length === 0
      ? []
      : [HARD_DATA_TITLE, '', ...textTable(['method', ...measures], hard.map(measureRow)), '']),
    ...expectations.map((expectation) => `- ${expectationWords(expectation)}.`),
    '',
  ].join('\n');
}

/** The paper's ThinkLite-11K (section 5): where most votes are wrong, there is little to learn from them. */
export const HARD_DATA_TITLE = "Trained and measured on hard data, where the base's vote is mostly wrong.";

function greedyRow({ method, seeds, suites, steps, samples }: Row, names: readonly string[]): string[] {
  const labels = METHODS.find(({ name }) => name === method)?.labels === true ? 'yes' : 'no';
  return [
    method,
    String(seeds),
    labels,
    ...names.map((name) => shown(suites[name]!.greedy)),
    steps.mean.toFixed(0),
    samples.mean.toFixed(0),
  ];
}

/** Empty where the suites have no levels. */
function levelLines(rows: readonly Row[]): string[] {
  const levels = levelsOf(rows);
  if (levels.length === 0) return [];
  return [
    'Greedy accuracy in % by level, mean over suites and seeds.',
    '',
    ...textTable(
      ['method', ...levels],
      rows.map((row) => levelRow(row, levels)),
    ),
    '',
  ];
}

export function levelRow({ method, variation, levels }: Row, names: readonly string[]): string[] {
  const of = (level: string) => (levels[level] === undefined ? '–' : percent(levels[level].mean));
  return [rowName(false, method, variation), ...names.map(of)];
}

function measureRow({ method, variation, onHardData, suites }: Row): string[] {
  return [rowName(onHardData, method, variation), ...MEASURES.map((measure) => shown(suites[AVERAGE]![measure]))];
}

export function rowName(onHardData: boolean, method: string, variation: string | null): string {
  if (!onHardData) return variation ?? method;
  return variation === null ? method : `${method}, ${variation}`;
}

/** One line for each row, suite and measure, and for each level of the average. */
export function csvOf(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ method, variation, seeds, suites, levels }) => {
    const line = (suite: string, measure: string, { mean, deviation }: MeanAndDeviation) =>
      [method, variation ?? '', suite, measure, seeds, mean, deviation ?? ''].map(field).join(',');
    return [
      ...Object.entries(suites).flatMap(([suite, measured]) =>
        MEASURES.map((measure) => line(suite, measure, measured[measure])),
      ),
      ...levelsOf([{ levels }]).map((level) => line(AVERAGE, `greedy at level ${level}`, levels[level]!)),
    ];
  });
  return `${['method,variation,suite,measure,seeds,mean,deviation', ...lines].join('\n')}\n`;
}

function field(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
