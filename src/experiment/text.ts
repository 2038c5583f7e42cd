/** The tables as Markdown and CSV. */
import type { Common } from './cell.ts';
import { METHODS } from './methods.ts';
import { AVERAGE, MEASURES, shown, type Row, type Tables } from './statistics.ts';

export function markdownOf({ rows, expectations }: Tables, common: Common): string {
  const own = rows.filter(({ variation, onHardData }) => variation === null && !onHardData);
  const varied = rows.filter(({ variation, onHardData }) => variation !== null && !onHardData);
  const hard = rows.filter(({ onHardData }) => onHardData);
  const measures = ['greedy', 'pass@1', `maj@${common.k}`, `pass@${common.k}`];
  const suites = Object.keys(rows[0]?.suites ?? {});
  return [
    `Greedy accuracy in % on ${common.suiteQuestions} held-out questions of each suite, mean ± standard deviation over seeds; ${common.questions} questions asked in each run.`,
    '',
    ...table(
      ['method', 'seeds', 'labels', ...suites, 'steps', 'samples'],
      own.map((row) => greedyRow(row, suites)),
    ),
    '',
    `The average over suites by how it is measured (k = ${common.k}).`,
    '',
    ...table(['method', ...measures], own.map(measureRow)),
    '',
    ...(varied.length === 0
      ? []
      : [
          'MM-UPT with one thing changed; the average over suites.',
          '',
          ...table(['change', ...measures], varied.map(measureRow)),
          '',
        ]),
    ...(hard.length === 0 ? [] : [HARD_DATA_TITLE, '', ...table(['method', ...measures], hard.map(measureRow)), '']),
    ...expectations.map(
      ({ text, held, detail }) =>
        `- ${held === null ? 'not tested' : held ? 'held' : 'NOT HELD'}: ${text} (${detail}).`,
    ),
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

function measureRow({ method, variation, onHardData, suites }: Row): string[] {
  return [rowName(onHardData, method, variation), ...MEASURES.map((measure) => shown(suites[AVERAGE]![measure]))];
}

export function rowName(onHardData: boolean, method: string, variation: string | null): string {
  if (!onHardData) return variation ?? method;
  return variation === null ? method : `${method}, ${variation}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** One line for each row, suite and measure. */
export function csvOf(rows: readonly Row[]): string {
  const lines = rows.flatMap(({ method, variation, seeds, suites }) =>
    Object.entries(suites).flatMap(([suite, measured]) =>
      MEASURES.map((measure) =>
        [method, variation ?? '', suite, measure, seeds, measured[measure].mean, measured[measure].deviation ?? '']
          .map(field)
          .join(','),
      ),
    ),
  );
  return `${['method,variation,suite,measure,seeds,mean,deviation', ...lines].join('\n')}\n`;
}

function field(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
