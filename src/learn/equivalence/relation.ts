/** Equations, inequalities (which are the intervals they mean) and labels. */
import { exact } from './evaluate.ts';
import { isName } from './definition.ts';
import { operation, type Expression } from './expression.ts';
import { hole, holdsFor, interval, without, MINUS_INFINITY, INFINITY } from './inequality.ts';
import { readChain } from './logic.ts';
import { splitTop } from './split.ts';
import type { Value } from './value.ts';

export type Read = (text: string, depth: number) => Value;

/** Separators of list items; a comma between thousands is not one. */
const LISTED = /(?<!\d),|,(?!\d{3}(?!\d))|;/g;
const GEOMETRIC = /congruent|similar|perp|parallel/;
const RELATION = /\\(?:le|ge|ne|approx|in|equiv|congruent|similar|perp|parallel)(?![a-z])|[=<>]/g;
/** `f(2)`, `a(-1)`, `P(A \cap B)`: a function's value at any argument. */
const CALL = /^[A-Za-z]'*\(\s*-?[\d.]+\s*\)$|^P\((?=[^()]*[^()a-z])[^()]+\)$/;
const LABEL = /^([A-Za-z][A-Za-z ]{2,40}):\s*(\S.*)$/s;

/** `x = 5`, `y = 2x + 1`, `x \le 2` (which is an interval), `0 < x < 1`, `x \in S` (which is S), `Area: 5`. */
export function readRelation(text: string, depth: number, read: Read): Value | null {
  if (/[,;]/.test(text) && splitTop(text, LISTED)) return null;
  if (/\s(?:or|and)\s/.test(text)) return null;
  return readLabel(text, depth, read) ?? readSigns(text, depth, read);
}

function readLabel(text: string, depth: number, read: Read): Value | null {
  const [, label, rest] = LABEL.exec(text) ?? [];
  if (label === undefined || rest === undefined) return null;
  const right = read(rest, depth + 1);
  return right.type === 'words'
    ? null
    : { type: 'relation', operator: '=', left: { type: 'words', text: label.toLowerCase() }, right };
}

function readSigns(text: string, depth: number, read: Read): Value | null {
  const split = splitTop(text, RELATION);
  if (!split) return null;
  const { parts, separators } = split;
  if (parts.some((part) => part === ''))
    return parts[0] === '' && separators.length === 1 && /=|approx/.test(separators[0] ?? '')
      ? read(parts[1] ?? '', depth + 1)
      : null;
  const last = parts.at(-1) ?? '';
  if (separators[0] === '\\in' && parts.length === 2) return read(last, depth + 1);
  const operators = separators.map((sign) => (sign === '\\approx' || sign === '\\equiv' ? '=' : sign));
  if (operators.every((operator) => operator === '=')) return readEquation(parts, separators, depth, read);
  const values = parts.map((part) => read(part, depth + 1));
  const solved = operators.some((operator) => GEOMETRIC.test(operator)) ? null : solve(values, operators);
  if (solved) return solved;
  const [left, right] = values;
  if (parts.length > 2) return readChain(parts, operators);
  return left && right && parts.length === 2 ? { type: 'relation', operator: operators[0] ?? '', left, right } : null;
}

/** `x = 2 + 3 = 5` means x = 5; `x = \sqrt{2} \approx 1.41` states both. */
function readEquation(parts: readonly string[], signs: readonly string[], depth: number, read: Read): Value {
  const called = parts[0] ?? '';
  const first: Value = CALL.test(called) ? { type: 'words', text: called } : read(called, depth + 1);
  const last = read(parts.at(-1) ?? '', depth + 1);
  const rounded = signs.indexOf('\\approx');
  const equation = (right: Value): Value => ({ type: 'relation', operator: '=', left: first, right });
  if (rounded > 0) return equation({ type: 'either', parts: [read(parts[rounded] ?? '', depth + 1), last] });
  return rounded === 0 && !isName(first) ? { type: 'either', parts: [first, last] } : equation(last);
}

/** The numbers that satisfy an inequality in one name; null for anything else. */
function solve(values: readonly Value[], operators: readonly string[]): Value | null {
  const [a, b, c] = values.map((value) => (value.type === 'quantity' ? value.expression : null));
  const [first = '', second = ''] = operators;
  if (!a || !b) return null;
  if (values.length === 2) return holdsFor(a, first, b);
  const [low, , high] = values;
  if (values.length !== 3 || !c || !low || !high) return null;
  const rising = /<|le/.test(first) && /<|le/.test(second);
  const falling = />|ge/.test(first) && />|ge/.test(second);
  if (!rising && !falling) return null;
  const closed = (operator: string): boolean => operator.startsWith('\\');
  if (isLetters(b))
    return rising
      ? interval(low, high, closed(first), closed(second))
      : interval(high, low, closed(second), closed(first));
  const [left, right] = [holdsFor(a, first, b), holdsFor(b, second, c)];
  return left && right ? bothHold(left, right) : null;
}

/** A name, or one applied to another as in `f(x)`. */
const isLetters = (e: Expression): boolean =>
  e.type === 'variable' ||
  (e.type === 'operation' && e.operator === '*' && e.left.type === 'variable' && e.right.type === 'variable');

/**
 * `x > 2` and `x < 5` are `(2, 5)`, `x > 2` and `x \ne 5` are two intervals; null unless they are half-lines that meet.
 */
export function bothHold(a: Value, b: Value): Value | null {
  const [left, right] = [hole(a), hole(b)];
  if (left !== null || right !== null) return right !== null ? without(a, [right]) : left && without(b, [left]);
  if (a.type !== 'sequence' || b.type !== 'sequence') return null;
  const [up, down] = a.items[1] === INFINITY ? [a, b] : [b, a];
  const [low, high] = [up.items[0], down.items[1]];
  if (
    up.items[1] !== INFINITY ||
    down.items[0] !== MINUS_INFINITY ||
    low?.type !== 'quantity' ||
    high?.type !== 'quantity'
  )
    return null;
  const width = exact(operation('-', high.expression, low.expression));
  return width && width.n > 0n ? { type: 'sequence', open: up.open, close: down.close, items: [low, high] } : null;
}
