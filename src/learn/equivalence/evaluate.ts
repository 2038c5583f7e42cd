/**
 * Equality of expressions. Exact when both are rational; otherwise by value, in complex doubles, at fixed points for
 * their variables: two different elementary expressions do not agree at all of them (Schwartz-Zippel in spirit). Every
 * operation takes constant time or a short bounded loop, so nothing here can hang or grow. This stands in for a general
 * algebra system because it has a bound: compute-engine 0.30.2 had not finished `999999999!` after a minute.
 */
import * as C from './complex.ts';
import type { Complex } from './complex.ts';
import { evaluateBound } from './bound.ts';
import { integer, mentions, parts, substitute, variables, type Bound, type Expression } from './expression.ts';
import { add, divide, multiply, negate, power, rational, same, toNumber, type Rational } from './rational.ts';
import { extreme, wholeCall } from './whole.ts';

/** Values closer than this, relative to the larger, are equal. */
const RELATIVE_TOLERANCE = 1e-10;
/** Rounding noise around 0, as in sin(pi). */
const ABSOLUTE_TOLERANCE = 1e-13;
/**
 * A decimal with at least this many places that rounds a value to its last place equals it: 3.141593 is pi, 3.14 is
 * not.
 */
const ROUNDED_PLACES = 6;
/** Terms and points of sums, limits and integrals that one comparison may evaluate, also those inside one another. */
const MAX_WORK = 100_000;
const POINTS = 8;
const NEEDED_POINTS = 3;
/** Maximum of nodes in all terms of an exact sum: it is computed on the calling thread. */
const MAX_EXACT_NODES = 5000;

/** The remaining budget. */
interface Work {
  left: number;
}

/** The exact value, or null when it is not rational, not constant, or too large. */
export function exact(e: Expression): Rational | null {
  if (e.type === 'number') return e.value;
  if (e.type === 'call') return exactCall(e.name, e.args);
  if (e.type === 'bound') return exactSeries(e);
  if (e.type !== 'operation') return null;
  const left = exact(e.left);
  const right = left && exact(e.right);
  if (!left || !right) return null;
  const { operator } = e;
  switch (operator) {
    case '+':
      return add(left, right);
    case '-':
      return add(left, negate(right));
    case '*':
      return multiply(left, right);
    case '/':
      return divide(left, right);
    case '^':
      return power(left, right);
    default:
      return operator satisfies never;
  }
}

function exactCall(name: string, args: readonly Expression[]): Rational | null {
  const values = args.flatMap((arg) => exact(arg) ?? []);
  return values.length === args.length && values.length > 0 ? (wholeCall(name, values) ?? extreme(name, values)) : null;
}

/** A sum or a product of few terms. */
function exactSeries({ operator, name, from, to, body }: Bound): Rational | null {
  if (operator !== 'sum' && operator !== 'prod') return null;
  const [first, last] = [exact(from), exact(to)];
  if (
    first?.d !== 1n ||
    last?.d !== 1n ||
    last.n < first.n - 1n ||
    (last.n - first.n + 1n) * size(body) > MAX_EXACT_NODES
  )
    return null;
  let value = rational(operator === 'sum' ? 0n : 1n);
  for (let k = first.n; k <= last.n && value; k++) {
    const term = exact(substitute(body, name, integer(k)));
    value = term && (operator === 'sum' ? add(value, term) : multiply(value, term));
  }
  return value;
}

/** A nested sum counts once for each of its possible terms. */
const size = (e: Expression): bigint =>
  parts(e).reduce((sum, part) => sum + size(part), 1n) * (e.type === 'bound' ? 50n : 1n);

/** True or false when both are rational, else null: the caller must then try `sameExpression`. */
export function sameExact(a: Expression, b: Expression): boolean | null {
  const x = exact(a);
  const y = x && exact(b);
  if (!x || !y) return null;
  return same(x, y) || rounds(a, toNumber(y)) || rounds(b, toNumber(x));
}

export function sameExpression(a: Expression, b: Expression): boolean {
  const decided = sameExact(a, b);
  if (decided !== null) return decided;
  const names = [...new Set([...variables(a), ...variables(b)])].sort();
  const complex = mentions(a, 'i') || mentions(b, 'i');
  if (names.length === 0) return sameConstant(a, b, complex);
  const whole = new Set([...wholeNames(a), ...wholeNames(b)]);
  const work = { left: MAX_WORK };
  let agreed = 0;
  for (let point = 0; point < POINTS; point++) {
    const at = new Map(names.map((name, i) => [name, whole.has(name) ? count(point, i) : coordinate(point, i)]));
    const x = evaluate(a, at, complex, work);
    const y = evaluate(b, at, complex, work);
    if (!C.isFinite(x) || !C.isFinite(y)) continue;
    if (!close(x, y)) return false;
    agreed++;
  }
  return agreed >= NEEDED_POINTS || identical(a, b);
}

function sameConstant(a: Expression, b: Expression, complex: boolean): boolean {
  const work = { left: MAX_WORK };
  const x = evaluate(a, new Map(), complex, work);
  const y = evaluate(b, new Map(), complex, work);
  if (!C.isFinite(x) || !C.isFinite(y)) return (isInfinity(a) && isInfinity(b) && x.re === y.re) || identical(a, b);
  return close(x, y) || (y.im === 0 && rounds(a, y.re)) || (x.im === 0 && rounds(b, x.re));
}

/** The value of an expression without variables, as school has it; null when it has none, or is not finite. */
export function approximate(e: Expression): number | null {
  if (variables(e).length > 0 || mentions(e, 'i')) return null;
  const { re, im } = evaluate(e, new Map(), false, { left: MAX_WORK });
  return im === 0 && Number.isFinite(re) ? re : null;
}

/** Whether the equations `a = 0` and `b = 0` are the same, that is, a / b is constant: its sign if so, else 0. */
export function sameZeros(a: Expression, b: Expression): number {
  const names = [...new Set([...variables(a), ...variables(b)])].sort();
  if (names.length === 0) return sameExpression(a, b) ? 1 : 0;
  const work = { left: MAX_WORK };
  let ratio: Complex | undefined;
  let agreed = 0;
  for (let point = 0; point < POINTS; point++) {
    const at = new Map(names.map((name, i) => [name, coordinate(point, i)]));
    const q = C.divide(evaluate(a, at, false, work), evaluate(b, at, false, work));
    if (!C.isFinite(q)) continue;
    if (ratio && !close(ratio, q)) return 0;
    ratio ??= q;
    agreed++;
  }
  return agreed >= NEEDED_POINTS && ratio !== undefined && C.abs(ratio) > ABSOLUTE_TOLERANCE ? Math.sign(ratio.re) : 0;
}

/** Half the points are positive, so that roots and logarithms are defined; the others tell |x| from x. */
function coordinate(point: number, variable: number): number {
  const fraction = ((point + 1) * 0.6180339887498949 + (variable + 1) * 0.7548776662466927) % 1;
  const size = 0.35 + 2.4 * fraction;
  return point % 2 === 0 || (point + variable) % 3 === 0 ? size : -size;
}

/** A number to count with. */
const count = (point: number, variable: number): number => 1 + ((point * (2 * variable + 3) + 2 * variable) % 11);

const COUNTING = new Set(['factorial', 'binomial', 'permutations', 'doublefactorial', 'gcd', 'lcm', 'mod']);

/** Names that stand for whole numbers: bounds of sums, and counters. */
function wholeNames(e: Expression): string[] {
  if (e.type === 'bound' && (e.operator === 'sum' || e.operator === 'prod'))
    return [...variables(e.from), ...variables(e.to), ...wholeNames(e.body)];
  return e.type === 'call' && COUNTING.has(e.name) ? variables(e) : parts(e).flatMap(wholeNames);
}

function close(a: Complex, b: Complex): boolean {
  return C.abs(C.subtract(a, b)) <= RELATIVE_TOLERANCE * Math.max(C.abs(a), C.abs(b)) + ABSOLUTE_TOLERANCE;
}

function rounds(decimal: Expression, value: number): boolean {
  const negative = decimal.type === 'operation' && decimal.operator === '-' && exact(decimal.left)?.n === 0n;
  const unsigned = negative ? decimal.right : decimal;
  const { literal, scale } = scientific(unsigned);
  if (literal.type !== 'number' || literal.places < ROUNDED_PLACES || literal.places > 15) return false;
  const number = toNumber(literal.value) * (negative ? -1 : 1);
  return Math.abs(number - value / scale) <= 0.5 * 10 ** -literal.places * (1 + 1e-6);
}

/** `2.5 \times 10^{-3}` taken apart; anything else has the scale 1. */
function scientific(e: Expression): { literal: Expression; scale: number } {
  const power =
    e.type === 'operation' && e.operator === '*' && e.left.type === 'number' && e.right.type === 'operation'
      ? e.right
      : null;
  const scale =
    power?.operator === '^' && power.left.type === 'number' && power.left.value.n === 10n ? exact(power) : null;
  return e.type === 'operation' && scale ? { literal: e.left, scale: toNumber(scale) } : { literal: e, scale: 1 };
}

/** Whether a value that is not finite is infinite, as a limit may be. */
function isInfinity(e: Expression): boolean {
  if (e.type === 'bound') return true;
  return e.type === 'constant'
    ? e.name === 'infinity'
    : e.type === 'operation' && e.operator === '-' && isInfinity(e.right);
}

function identical(a: Expression, b: Expression): boolean {
  if (a.type === 'number' && b.type === 'number') return same(a.value, b.value);
  if (a.type === 'constant' && b.type === 'constant') return a.name === b.name;
  if (a.type === 'variable' && b.type === 'variable') return a.name === b.name;
  if (a.type === 'operation' && b.type === 'operation')
    return a.operator === b.operator && identical(a.left, b.left) && identical(a.right, b.right);
  if (a.type === 'call' && b.type === 'call' && a.name !== b.name) return false;
  if (a.type === 'bound' && b.type === 'bound' && (a.operator !== b.operator || a.name !== b.name)) return false;
  const [left, right] = [parts(a), parts(b)];
  return (
    a.type === b.type &&
    left.length > 0 &&
    left.length === right.length &&
    left.every((part, i) => identical(part, right[i] ?? integer(0n)))
  );
}

/** `complex` false: a root or logarithm of a negative number is NaN, as in school. */
function evaluate(e: Expression, at: ReadonlyMap<string, number>, complex: boolean, work: Work): Complex {
  switch (e.type) {
    case 'number':
      return C.real(toNumber(e.value));
    case 'constant':
      return { pi: C.real(Math.PI), e: C.real(Math.E), i: { re: 0, im: 1 }, infinity: C.real(Infinity) }[e.name];
    case 'variable':
      return C.real(at.get(e.name) ?? NaN);
    case 'operation': {
      const left = evaluate(e.left, at, complex, work);
      const right = evaluate(e.right, at, complex, work);
      return { '+': C.add, '-': C.subtract, '*': C.multiply, '/': C.divide, '^': C.power }[e.operator](
        left,
        right,
        complex,
      );
    }
    case 'bound': {
      const put = (value: number): Complex =>
        work.left-- > 0 ? evaluate(e.body, new Map([...at, [e.name, value]]), complex, work) : C.real(NaN);
      return evaluateBound(e.operator, evaluate(e.from, at, complex, work), evaluate(e.to, at, complex, work), put);
    }
    case 'call':
      return C.apply(
        e.name,
        e.args.map((arg) => evaluate(arg, at, complex, work)),
        complex,
      );
    default:
      return e satisfies never;
  }
}
