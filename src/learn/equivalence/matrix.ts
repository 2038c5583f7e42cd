/** Matrices, vectors and determinants. */
import { numberOf, operation, type Expression } from './expression.ts';
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

const MATRIX = /^\\begin\{([bpBvV]?)(?:small)?(?:matrix|array)\}(?:\{[clr|]*\})?(.*)\\end\{[bpBvV]?(?:small)?(?:matrix|array)\}$/s;
const MAX_ROWS = 16;

export const tuple = (items: readonly Value[]): Value => ({ type: 'sequence', open: '(', close: ')', items });

/** A column or a row is a tuple; more is a tuple of rows. Between bars it is the determinant. */
export function readMatrix(text: string, depth: number, read: Read): Value | null {
  const [, kind, body] = MATRIX.exec(text) ?? [];
  if (body === undefined) return null;
  const rows = body
    .split(/\\cr(?![a-z])/)
    .map((row) => row.trim())
    .filter(Boolean)
    .map((row) => row.split('&').map((cell) => read(cell.trim(), depth + 1)));
  if (rows.length === 0 || rows.length > MAX_ROWS) return null;
  if (kind === 'v') return determinantOf(rows);
  if (rows.every((row) => row.length === 1)) return tuple(rows.flat());
  return rows.length === 1 ? tuple(rows[0] ?? []) : tuple(rows.map(tuple));
}

function determinantOf(rows: readonly (readonly Value[])[]): Value | null {
  const cells = rows.map((row) => row.flatMap((cell) => (cell.type === 'quantity' ? [cell.expression] : [])));
  if (rows.length > 3 || cells.some((row) => row.length !== rows.length)) return null;
  return { type: 'quantity', expression: determinant(cells), unit: null, percent: false };
}

/** By the first row. */
function determinant([first = [], ...others]: readonly (readonly Expression[])[]): Expression {
  const terms = first.map((cell, column) =>
    others.length === 0 ? cell : operation('*', cell, determinant(others.map((row) => row.filter((_, i) => i !== column)))),
  );
  return terms.reduce((sum, term, column) => operation(column % 2 === 0 ? '+' : '-', sum, term), numberOf({ n: 0n, d: 1n }));
}
