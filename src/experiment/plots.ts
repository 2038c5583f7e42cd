/** Plots as SVG inside an HTML page: no script, colours for light and dark. */

/** Readable on light and dark; the first six are Okabe and Ito's, which the colour-blind can tell apart. */
const COLOURS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#7f7f7f',
  '#b8860b',
  '#8c564b',
  '#ee3377',
];
const [WIDTH, HEIGHT, LEFT] = [760, 320, 40];
const LEGEND_COLUMNS = 4;

export interface PlotLine {
  /** In the legend; lines of the same name share a colour. */
  readonly name: string;
  /** Shown under the pointer. */
  readonly title: string;
  /** The second number is a share in [0, 1]. */
  readonly points: readonly (readonly [x: number, share: number])[];
  readonly dashed?: boolean;
}

export interface LinePlot {
  /** For screen readers. */
  readonly label: string;
  readonly lines: readonly PlotLine[];
  /** Of the axis, from left to right. */
  readonly ticks: readonly { readonly x: number; readonly text: string }[];
  /** Upright lines. */
  readonly marks?: readonly number[];
}

/** Shares in [0, 1] over the range of the ticks. */
export function linePlot({ label, lines, ticks, marks = [] }: LinePlot): string {
  const drawn = lines.filter(({ points }) => points.length > 1);
  const [first, last] = [ticks[0]?.x ?? 0, ticks.at(-1)?.x ?? 1];
  const names = [...new Set(drawn.map(({ name }) => name))];
  const colour = (name: string): string => COLOURS[names.indexOf(name) % COLOURS.length]!;
  const x = (value: number): number => LEFT + ((WIDTH - LEFT) * (value - first)) / Math.max(1e-9, last - first);
  const polylines = drawn.map(({ name, title, points, dashed = false }) => {
    const at = points.map(([value, share]) => `${x(value).toFixed(1)},${yOf(share).toFixed(1)}`).join(' ');
    const dashes = dashed ? ' stroke-dasharray="5 4"' : '';
    return `<polyline points="${at}" fill="none" stroke="${colour(name)}" stroke-width="1.5"${dashes}><title>${escape(title)}</title></polyline>`;
  });
  const parts = [
    ...grid(),
    ...marks.map((mark) => `<path d="M${x(mark)} 0V${HEIGHT}" stroke="var(--line)" stroke-dasharray="2 3"/>`),
    ...polylines,
    ...ticks.map(({ x: at, text }) => tickOf(x(at), escape(text))),
    ...names.map((name, i) => legendOf(escape(name), colour(name), i)),
  ];
  const box = `-4 -12 ${WIDTH + 12} ${HEIGHT + 60 + 20 * Math.ceil(names.length / LEGEND_COLUMNS)}`;
  return `<svg role="img" aria-label="${escape(label)}" viewBox="${box}" width="${WIDTH}">${parts.join('\n')}</svg>`;
}

function yOf(share: number): number {
  return HEIGHT - HEIGHT * share;
}

function grid(): string[] {
  return [0, 0.25, 0.5, 0.75, 1].map(
    (at) =>
      `<path d="M${LEFT} ${yOf(at)}H${WIDTH}" stroke="var(--line)"/><text x="${LEFT - 6}" y="${yOf(at) + 4}" text-anchor="end">${100 * at}</text>`,
  );
}

function tickOf(x: number, text: string): string {
  const reach = 4 * text.length; // half of its width
  const anchor = x + reach > WIDTH + 8 ? 'end' : x - reach < 0 ? 'start' : 'middle';
  return `<text x="${x.toFixed(1)}" y="${HEIGHT + 18}" text-anchor="${anchor}">${text}</text>`;
}

function legendOf(name: string, colour: string, i: number): string {
  const [column, row] = [i % LEGEND_COLUMNS, Math.floor(i / LEGEND_COLUMNS)];
  return `<text x="${LEFT + 10 + column * 180}" y="${HEIGHT + 40 + 20 * row}"><tspan fill="${colour}">■</tspan> ${name}</text>`;
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --bar: #3b6fd4; --base: #8a8f98; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } text { font: 12px system-ui, sans-serif; fill: currentColor; }
.wide { overflow-x: auto; }`;

/** A whole page. @param body HTML under the heading. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quorum: ${escape(title)}</title>
<style>${STYLE}</style>
<h1>${escape(title)}</h1>
${body}
</html>
`;
}

export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="wide"><table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('\n')}</table></div>`;
}

/** Markdown. */
export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}
