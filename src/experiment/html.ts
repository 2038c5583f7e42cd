/** The tables as one HTML page with its plots inside: final accuracy of each method as bars, its course as curves. */
import { cellName, type CellResult, type Common } from './cell.ts';
import { expectationWords, type Tables } from './expectations.ts';
import { escape, htmlPage, htmlTable, linePlot } from './plots.ts';
import { AVERAGE, levelsOf, MEASURES, percent, shown, type Row } from './statistics.ts';
import { HARD_DATA_TITLE, levelRow, rowName } from './text.ts';

export function htmlOf({ rows, expectations }: Tables, results: readonly CellResult[], common: Common): string {
  const own = rows.filter(({ variation, onHardData }) => variation === null && !onHardData);
  const varied = rows.filter(({ variation, onHardData }) => variation !== null && !onHardData);
  const hard = rows.filter(({ onHardData }) => onHardData);
  const checks = expectations.map((expectation) => `<li>${escape(expectationWords(expectation))}</li>`);
  return htmlPage(
    'Methods compared',
    `<p>${common.questions} questions asked in each run; ${common.suiteQuestions} held-out questions of each suite; accuracy in %, mean ± standard deviation over seeds.</p>
${bars(own)}
<h2>By suite, greedy</h2>
${suiteTable(own)}
${byLevel(own)}
<h2>Average over suites</h2>
${measureTable(own, common.k)}
<h2>While training</h2>
<p>Greedy accuracy on the loop's own held-out questions, by learner step; one line for each seed.</p>
${curves(results.filter(({ cell }) => cell.variation === undefined && cell.onHardData === undefined))}
${varied.length === 0 ? '' : `<h2>MM-UPT with one thing changed</h2>\n${measureTable(varied, common.k)}\n${byLevel(varied)}`}
${hard.length === 0 ? '' : `<h2>Hard data</h2>\n<p>${escape(HARD_DATA_TITLE)}</p>\n${measureTable(hard, common.k)}`}
<h2>What was expected</h2>
<ul>${checks.join('\n')}</ul>`,
  );
}

function suiteTable(rows: readonly Row[]): string {
  const suites = Object.keys(rows[0]?.suites ?? {});
  return htmlTable(
    ['method', ...suites],
    rows.map(({ method, suites: own }) => [method, ...suites.map((suite) => shown(own[suite]!.greedy))]),
  );
}

function measureTable(rows: readonly Row[], k: number): string {
  return htmlTable(
    ['', 'greedy', 'pass@1', `maj@${k}`, `pass@${k}`],
    rows.map(({ method, variation, onHardData, suites }) => [
      rowName(onHardData, method, variation),
      ...MEASURES.map((measure) => shown(suites[AVERAGE]![measure])),
    ]),
  );
}

/** Empty where the suites have no levels. */
function byLevel(rows: readonly Row[]): string {
  const levels = levelsOf(rows);
  if (levels.length === 0) return '';
  const lines = rows.map((row) => {
    const name = rowName(false, row.method, row.variation);
    const points = levels.flatMap((level) => {
      const accuracy = row.levels[level];
      return accuracy === undefined ? [] : [[Number(level), accuracy.mean] as const];
    });
    return { name, title: name, points };
  });
  const ticks = levels.map((level) => ({ x: Number(level), text: level }));
  return `<h2>By level, greedy</h2>
<p>Mean over the suites and seeds, by level of difficulty.</p>
${linePlot({ label: 'Greedy accuracy by level, a line for each method', lines, ticks })}
${htmlTable(
  ['', ...levels],
  rows.map((row) => levelRow(row, levels)),
)}`;
}

function bars(rows: readonly Row[]): string {
  const [left, width, height] = [170, 520, 26];
  const all = rows.map(({ method, suites }, i) => {
    const { mean, deviation } = suites[AVERAGE]!.greedy;
    const [y, x] = [i * height, left + width * mean];
    const spread =
      deviation === null
        ? ''
        : `<path d="M${x - width * deviation} ${y + 12}H${x + width * deviation}" stroke="currentColor"/>`;
    return `<text x="${left - 8}" y="${y + 16}" text-anchor="end">${escape(method)}</text>
<rect x="${left}" y="${y + 4}" width="${width * mean}" height="${height - 10}" fill="var(${method === 'base' ? '--base' : '--bar'})"/>${spread}
<text x="${x + (deviation ?? 0) * width + 8}" y="${y + 16}">${percent(mean)}</text>`;
  });
  return `<svg role="img" aria-label="Greedy accuracy by method, average over suites" viewBox="0 0 ${left + width + 60} ${rows.length * height + 4}" width="${left + width + 60}">${all.join('\n')}</svg>`;
}

function curves(results: readonly CellResult[]): string {
  const last = Math.max(1, ...results.flatMap(({ history }) => history.map(({ version }) => version)));
  const lines = results.map(({ cell, history }) => ({
    name: cell.method,
    title: cellName(cell),
    points: history.map(({ version, greedy }) => [version, greedy] as const),
  }));
  const ticks = [
    { x: 0, text: '0' },
    { x: last, text: `step ${last}` },
  ];
  return linePlot({ label: 'Accuracy by learner step', lines, ticks });
}
