/** Solves an inequality in one name: `x \le 2`, `3 - 2x > 1`, `|x - 1| < 4`, `x \ne 0`. */
import { exact } from './evaluate.ts';
import { integer, numberOf, operation, substitute, variables, type Expression } from './expression.ts';
import { add, divide, multiply, negate, rational, same, toNumber, type Rational } from './rational.ts';
import type { Quantity, Value } from './value.ts';

const quantity = (expression: Expression): Quantity => ({ type: 'quantity', expression, unit: null, percent: false });

export const INFINITY = quantity({ type: 'constant', name: 'infinity' });
export const MINUS_INFINITY = quantity(
  operation('-', numberOf({ n: 0n, d: 1n }), { type: 'constant', name: 'infinity' }),
);

export const interval = (low: Value, high: Value, lowClosed: boolean, highClosed: boolean): Value => ({
  type: 'sequence',
  open: lowClosed ? '[' : '(',
  close: highClosed ? ']' : ')',
  items: [low, high],
});

export const REALS = interval(MINUS_INFINITY, INFINITY, false, false);

/** `(-1, 1) \setminus \{0\}` is `(-1, 0) \cup (0, 1)`; the points are inside and in rising order. */
export function without(whole: Value, points: readonly Value[]): Value | null {
  if (whole.type !== 'sequence' || whole.items.length !== 2 || whole.open === '{') return null;
  const [low, high] = whole.items;
  const ends = [low, ...points, high].flatMap((end) => end ?? []);
  const parts = ends
    .slice(1)
    .map((to, i) =>
      interval(ends[i] ?? to, to, i === 0 && whole.open === '[', i === points.length && whole.close === ']'),
    );
  return { type: 'union', parts };
}

const MAX_MEMBERS = 32;

/** The set of the whole numbers in an interval, if they are few. */
export function wholeNumbers(within: Value): Value | null {
  if (within.type !== 'sequence' || within.items.length !== 2) return null;
  const [low, high] = within.items.map((end) => (end.type === 'quantity' ? exact(end.expression) : null));
  if (!low || !high) return null;
  const [from, to] = [toNumber(low), toNumber(high)];
  const first = Math.ceil(from) + (within.open === '(' && Number.isInteger(from) ? 1 : 0);
  const last = Math.floor(to) - (within.close === ')' && Number.isInteger(to) ? 1 : 0);
  if (last - first >= MAX_MEMBERS) return null;
  const items = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => quantity(integer(BigInt(first + i))));
  return { type: 'sequence', open: '{', close: '}', items };
}

/** The point that `x \ne 1` leaves out. */
export function hole(value: Value): Value | null {
  const [below, above] = value.type === 'union' && value.parts.length === 2 ? value.parts : [];
  if (below?.type !== 'sequence' || above?.type !== 'sequence') return null;
  const [point] = above.items;
  return point && below.items[0] === MINUS_INFINITY && above.items[1] === INFINITY && below.items[1] === point
    ? point
    : null;
}

const TURNED = new Map<string, string>(Object.entries({ '<': '>', '>': '<', '\\le': '\\ge', '\\ge': '\\le' }));
export const turned = (operator: string): string => TURNED.get(operator) ?? operator;

/** The numbers for which `left operator right` holds, or null when it cannot be solved here. */
export function holdsFor(left: Expression, operator: string, right: Expression): Value | null {
  if (isAbsolute(right)) return holdsFor(right, turned(operator), left);
  if (isAbsolute(left)) return absolute(left.args[0] ?? left, operator, right);
  if (isLetter(left) && variables(right).length === 0) return halfLine(operator, quantity(right));
  if (isLetter(right) && variables(left).length === 0) return halfLine(turned(operator), quantity(left));
  const line = linear(operation('-', left, right));
  const bound = line && divide(negate(line.offset), line.slope);
  return bound && halfLine(line.slope.n > 0n ? operator : turned(operator), quantity(numberOf(bound)));
}

const isLetter = (e: Expression): boolean =>
  e.type === 'variable' ||
  (e.type === 'operation' && e.operator === '*' && e.left.type === 'variable' && e.right.type === 'variable');

function isAbsolute(e: Expression): e is Extract<Expression, { type: 'call' }> {
  return e.type === 'call' && e.name === 'abs';
}

function halfLine(operator: string, bound: Value): Value | null {
  switch (operator) {
    case '<':
    case '\\le':
      return interval(MINUS_INFINITY, bound, false, operator === '\\le');
    case '>':
    case '\\ge':
      return interval(bound, INFINITY, operator === '\\ge', false);
    case '\\ne':
      return {
        type: 'union',
        parts: [interval(MINUS_INFINITY, bound, false, false), interval(bound, INFINITY, false, false)],
      };
    default:
      return null;
  }
}

/** `|u| < c` is `-c < u < c`; `|u| > c` is its complement. */
function absolute(u: Expression, operator: string, right: Expression): Value | null {
  const line = linear(u);
  const size = exact(right);
  if (!line || !size || size.n <= 0n) return null;
  const at = (value: Rational): Rational | null => {
    const difference = add(value, negate(line.offset));
    return difference && divide(difference, line.slope);
  };
  const ends = [at(negate(size)), at(size)];
  const [low, high] = line.slope.n > 0n ? ends : ends.toReversed();
  if (!low || !high) return null;
  const closed = operator.startsWith('\\');
  const [from, to] = [quantity(numberOf(low)), quantity(numberOf(high))];
  if (/<|le/.test(operator)) return interval(from, to, closed, closed);
  if (!/>|ge/.test(operator)) return null;
  return {
    type: 'union',
    parts: [interval(MINUS_INFINITY, from, false, closed), interval(to, INFINITY, closed, false)],
  };
}

/** `slope * name + offset`, when that is what `e` is. */
function linear(e: Expression): { slope: Rational; offset: Rational } | null {
  const [name, ...others] = new Set(variables(e));
  if (name === undefined || others.length > 0) return null;
  const at = (n: bigint): Rational | null => exact(substitute(e, name, numberOf({ n, d: 1n })));
  const [offset, one] = [at(0n), at(1n)];
  const slope = offset && one && add(one, negate(offset));
  if (!slope || slope.n === 0n) return null;
  // More points than a curve of low degree can share with a line.
  const straight = [-7n, 2n, 5n, 11n, 23n].every((n) => {
    const value = at(n);
    const factor = rational(n);
    const rise = factor && multiply(slope, factor);
    const expected = rise && add(offset, rise);
    return value !== null && expected !== null && same(value, expected);
  });
  return straight ? { slope, offset } : null;
}
