/** Styled text that knows its width: a line is a list of spans, cut to the terminal before any colour is put on. */
import type pc from 'picocolors';
import stringWidth from 'string-width';

export type Colors = ReturnType<typeof pc.createColors>;
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';
/** Text with its styles; several may apply. */
export type Span = readonly [text: string, ...styles: Style[]];
export type Line = readonly Span[];

const segmenter = new Intl.Segmenter();
const CONTROL = /\p{Cc}+|[\u2028\u2029]/gu;

export function lineWidth(line: Line): number {
  return line.reduce((sum, [text]) => sum + stringWidth(clean(text)), 0);
}

/** At most `width` columns, with an ellipsis where something was cut off. */
export function fitText(text: string, width: number): string {
  const plain = clean(text);
  if (stringWidth(plain) <= width) return plain;
  let kept = '';
  for (const { segment } of segmenter.segment(plain)) {
    if (stringWidth(kept + segment) > width - 1) break;
    kept += segment;
  }
  return width > 0 ? `${kept}…` : '';
}

/** Renders a line in at most `width` columns. */
export function paint(line: Line, width: number, colors: Colors): string {
  let room = width;
  let out = '';
  for (const [text, ...styles] of line) {
    const shown = fitText(text, room);
    room -= stringWidth(shown);
    out += styles.reduce((styled, style) => colors[style](styled), shown);
    if (shown !== clean(text)) break;
  }
  return out;
}

/** `left` and `right` at the two ends of a line; `right` goes where there is no room for both. */
export function spread(left: Line, right: Line, width: number): Line {
  const gap = width - lineWidth(left) - lineWidth(right);
  return gap < 2 ? left : [...left, [' '.repeat(gap)], ...right];
}

/** Puts cells in rows of `columns`, each padded to `cellWidth`. */
export function grid(cells: readonly Line[], cellWidth: number, columns: number): Line[] {
  return Array.from({ length: Math.ceil(cells.length / columns) }, (_, row) =>
    cells
      .slice(row * columns, (row + 1) * columns)
      .flatMap((cell): Line => [...cell, [' '.repeat(Math.max(1, cellWidth - lineWidth(cell)))]]),
  );
}

/** Text from elsewhere (an error, a plug-in's words) must not move the cursor. */
function clean(text: string): string {
  return text.replace(CONTROL, ' ');
}
