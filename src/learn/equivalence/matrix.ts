/** Matrices, vectors and determinants. */
import { integer, numberOf, operation, type Expression } from './expression.ts';
import { parseExpression } from './parser.ts';
import type { Read } from './relation.ts';
import type { Value } from './value.ts';

const MATRIX =
  /^\\begin\{([bpBvV]?)(?:small)?(?:matrix|array)\}(?:\{[clr|]*\})?(.*)\\end\{[bpBvV]?(?:small)?(?:matrix|array)\}$/s;
const MAX_ROWS = 16;

export const tuple = (items: readonly Value[]): Value => ({ type: 'sequence', open: '(', close: ')', items });

const DETERMINANT = /^\\?det\s*\(?\s*(\\begin.*\\end\{[a-zA-Z]+\})\s*\)?$/s;
/** `2 \begin{pmatrix} ...`: a number before a matrix multiplies each entry. */
const SCALED = /^([^&]+?)\s*(?:\\cdot|\\times|\*)?\s*(\\begin\{[bp](?:small)?matrix\}.*)$/s;

/** A column or a row is a tuple; more is a tuple of rows. Between bars it is the determinant. */
export function readMatrix(text: string, depth: number, read: Read): Value | null {
  const determinant = DETERMINANT.exec(text)?.[1];
  const [, kind, body] = MATRIX.exec(determinant ?? text) ?? [];
  if (body === undefined) return readScaled(text, depth, read) ?? readRows(text, depth, read);
  const rows = body
    .split(/\\cr(?![a-z])/)
    .map((row) => row.trim())
    .filter(Boolean)
    .map((row) => row.split('&').map((cell) => read(cell.trim(), depth + 1)));
  if (rows.length === 0 || rows.length > MAX_ROWS) return null;
  return kind === 'v' || determinant !== undefined ? determinantOf(rows) : matrixOf(rows);
}

/** `[1 2; 3 4]`: numbers with blanks between. */
function readRows(text: string, depth: number, read: Read): Value | null {
  const [, body] = /^\[\s*([-\d./\s]+(?:;[-\d./\s]+)+)\]$/.exec(text) ?? [];
  const rows = body?.split(';').map((row) => row.trim().split(/\s+/));
  if (!rows || rows.length > MAX_ROWS || rows.every((row) => row.length === 1)) return null;
  return matrixOf(rows.map((row) => row.map((cell) => read(cell, depth + 1))));
}

function readScaled(text: string, depth: number, read: Read): Value | null {
  const [, factor = '', rest] = SCALED.exec(text) ?? [];
  const matrix = rest === undefined ? null : readMatrix(rest, depth + 1, read);
  const by = factor === '-' ? integer(-1n) : parseExpression(factor);
  return matrix && by && scaled(matrix, by);
}

function scaled(value: Value, by: Expression): Value | null {
  if (value.type === 'quantity') return { ...value, expression: operation('*', by, value.expression) };
  if (value.type !== 'sequence') return null;
  const items = value.items.flatMap((item) => scaled(item, by) ?? []);
  return items.length === value.items.length ? { ...value, items } : null;
}

function matrixOf(rows: readonly (readonly Value[])[]): Value {
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
    others.length === 0
      ? cell
      : operation('*', cell, determinant(others.map((row) => row.filter((_, i) => i !== column)))),
  );
  return terms.reduce(
    (sum, term, column) => operation(column % 2 === 0 ? '+' : '-', sum, term),
    numberOf({ n: 0n, d: 1n }),
  );
}
