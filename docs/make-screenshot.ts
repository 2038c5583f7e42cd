/**
 * Draws the terminal view as SVG from the status of a real run:
 *
 *     quorum status --json > status.json        (while it runs; or one line of `quorum start --json`)
 *     npx tsx docs/make-screenshot.ts status.json docs/quorum.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import pc from 'picocolors';
import stringWidth from 'string-width';
import { renderFrame } from '../src/cli/view/frame.ts';
import type { Status } from '../src/protocol/status.ts';

const COLUMNS = 96;
const CELL = { width: 8.4, height: 18 };
const MARGIN = 16;
const BAR = 30;
const TEXT = '#d7dae0';
const COLORS: Readonly<Record<number, string>> = {
  31: '#ff6b6b',
  32: '#7ee787',
  33: '#f2cc60',
  34: '#79c0ff',
  35: '#d2a8ff',
  36: '#76e3ea',
};
const BLOCKS = '▁▂▃▄▅▆▇█';
// eslint-disable-next-line no-control-regex
const ESCAPE = /\u001b\[(\d+)m/;

interface Look {
  readonly color: string;
  readonly bold: boolean;
  readonly dim: boolean;
}

const PLAIN: Look = { color: TEXT, bold: false, dim: false };

/** @param lines with SGR colour escapes, as `renderFrame` gives them. */
export function toSvg(lines: readonly string[], title: string): string {
  const width = Math.ceil(COLUMNS * CELL.width + 2 * MARGIN);
  const height = Math.ceil(lines.length * CELL.height + MARGIN + BAR);
  const body = lines.flatMap((line, row) => drawLine(line, BAR + (row + 1) * CELL.height - 4));
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (color, i) => `<circle cx="${18 + 18 * i}" cy="15" r="5.5" fill="${color}"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${dots.join('')}
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" xml:space="preserve">
${body.join('\n')}
</g>
</svg>
`;
}

/** Each run of equal looks becomes one text element at its column, so that no font can shift what follows it. */
function drawLine(line: string, y: number): string[] {
  const parts = line.split(ESCAPE);
  const drawn: string[] = [];
  let [column, look] = [0, PLAIN];
  parts.forEach((part, i) => {
    if (i % 2 === 1) look = nextLook(look, Number(part));
    else {
      drawn.push(...drawRun(part, column, y, look));
      column += stringWidth(part);
    }
  });
  return drawn;
}

function nextLook(look: Look, code: number): Look {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...look, bold: true };
  if (code === 2) return { ...look, dim: true };
  if (code === 22) return { ...look, bold: false, dim: false };
  return { ...look, color: COLORS[code] ?? TEXT };
}

function drawRun(text: string, column: number, y: number, look: Look): string[] {
  if (text.trim() === '') return [];
  if ([...text].every((char) => char === ' ' || BLOCKS.includes(char))) return drawBlocks(text, column, y, look.color);
  const start = text.length - text.trimStart().length;
  const shown = text.trim();
  const style = `fill="${look.color}"${look.bold ? ' font-weight="bold"' : ''}${look.dim ? ' opacity="0.6"' : ''}`;
  const at = `x="${(MARGIN + (column + start) * CELL.width).toFixed(1)}" y="${y}" textLength="${(stringWidth(shown) * CELL.width).toFixed(1)}"`;
  return [`<text ${at} ${style}>${escape(shown)}</text>`];
}

/** Blocks are drawn as rectangles: fonts leave gaps between them. */
function drawBlocks(text: string, column: number, y: number, color: string): string[] {
  return [...text].flatMap((char, i) => {
    if (char === ' ') return [];
    const tall = ((BLOCKS.indexOf(char) + 1) / BLOCKS.length) * CELL.height;
    const x = (MARGIN + (column + i) * CELL.width).toFixed(1);
    return [
      `<rect x="${x}" y="${(y + 4 - tall).toFixed(1)}" width="${CELL.width.toFixed(1)}" height="${tall.toFixed(1)}" fill="${color}" shape-rendering="crispEdges"/>`,
    ];
  });
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Paths of one machine do not belong in the picture. */
export function withoutPaths(status: Status): Status {
  const short = (path: string): string => (path.startsWith('/') ? basename(path) : path);
  return { ...status, model: short(status.model), data: short(status.data), run: short(status.run) };
}

function main([input, output]: readonly string[]): void {
  if (input === undefined || output === undefined)
    throw new Error('usage: npx tsx docs/make-screenshot.ts status.json picture.svg');
  const status = withoutPaths(JSON.parse(readFileSync(input, 'utf8')) as Status);
  const lines = renderFrame(status, {
    width: COLUMNS,
    rows: 60,
    colors: pc.createColors(true),
    hint: 'Ctrl-C finishes the step in hand, saves and stops',
  });
  writeFileSync(output, toSvg(lines, `Quorum in a terminal at version ${status.version}`));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
