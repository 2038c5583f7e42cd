/** The tables as one HTML page with its plots inside: final accuracy of each method as bars, its course as curves. */
import { cellName, type CellResult, type Common } from './cell.ts';
import { AVERAGE, MEASURES, percent, shown, type Row, type Tables } from './statistics.ts';
import { HARD_DATA_TITLE, rowName } from './text.ts';

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --bar: #3b6fd4; --base: #8a8f98; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } text { font: 12px system-ui, sans-serif; fill: currentColor; }
.wide { overflow-x: auto; }`;

/** Colour-blind-safe (Okabe and Ito), readable on light and dark. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#7f7f7f', '#b8860b', '#8c564b'];

export function htmlOf({ rows, expectations }: Tables, results: readonly CellResult[], common: Common): string {
  const own = rows.filter(({ variation, onHardData }) => variation === null && !onHardData);
  const varied = rows.filter(({ variation, onHardData }) => variation !== null && !onHardData);
  const hard = rows.filter(({ onHardData }) => onHardData);
  const checks = expectations.map(
    ({ text, held, detail }) =>
      `<li><b>${held === null ? 'not tested' : held ? 'held' : 'not held'}</b>: ${escape(text)} (${escape(detail)})</li>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quorum: methods compared</title>
<style>${STYLE}</style>
<h1>Methods compared</h1>
<p>${common.questions} questions asked in each run; ${common.suiteQuestions} held-out questions of each suite; accuracy in %, mean ± standard deviation over seeds.</p>
${bars(own)}
<h2>By suite, greedy</h2>
${suiteTable(own)}
<h2>Average over suites</h2>
${measureTable(own, common.k)}
<h2>While training</h2>
<p>Greedy accuracy on the loop's own held-out questions, by learner step; one line for each seed.</p>
${curves(results.filter(({ cell }) => cell.variation === undefined && cell.onHardData === undefined))}
${varied.length === 0 ? '' : `<h2>MM-UPT with one thing changed</h2>\n${measureTable(varied, common.k)}`}
${hard.length === 0 ? '' : `<h2>Hard data</h2>\n<p>${escape(HARD_DATA_TITLE)}</p>\n${measureTable(hard, common.k)}`}
<h2>What was expected</h2>
<ul>${checks.join('\n')}</ul>
</html>
`;
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

function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('\n')}</table></div>`;
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
  const [width, height, left] = [760, 320, 40];
  const drawn = results.filter(({ history }) => history.length > 1);
  const last = Math.max(1, ...drawn.flatMap(({ history }) => history.map(({ version }) => version)));
  const methods = [...new Set(drawn.map(({ cell }) => cell.method))];
  const colour = (method: string): string => COLOURS[methods.indexOf(method) % COLOURS.length]!;
  const x = (version: number): number => left + ((width - left) * version) / last;
  const y = (greedy: number): number => height - height * greedy;
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (at) =>
      `<path d="M${left} ${y(at)}H${width}" stroke="var(--line)"/><text x="${left - 6}" y="${y(at) + 4}" text-anchor="end">${100 * at}</text>`,
  );
  const lines = drawn.map(({ cell, history }) => {
    const points = history.map(({ version, greedy }) => `${x(version).toFixed(1)},${y(greedy).toFixed(1)}`).join(' ');
    return `<polyline points="${points}" fill="none" stroke="${colour(cell.method)}" stroke-width="1.5"><title>${escape(cellName(cell))}</title></polyline>`;
  });
  const legend = methods.map(
    (method, i) =>
      `<text x="${left + 10 + (i % 4) * 180}" y="${height + 40 + 20 * Math.floor(i / 4)}"><tspan fill="${colour(method)}">■</tspan> ${escape(method)}</text>`,
  );
  const label = `<text x="${width}" y="${height + 18}" text-anchor="end">step ${last}</text>`;
  const box = `-4 -12 ${width + 12} ${height + 60 + 20 * Math.ceil(methods.length / 4)}`;
  return `<svg role="img" aria-label="Accuracy by learner step" viewBox="${box}" width="${width}">${[...grid, ...lines, label, ...legend].join('\n')}</svg>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
