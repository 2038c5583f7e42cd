/**
 * What an expression of a response comes to, and whether two are equal as written: `1/3=0.33` is true to the digits that
 * it has, `2*π=6.28` with the π that people use. The calculator is the vote's own (equivalence/): exact on rationals, and
 * bounded.
 */
import { approximate, exact } from '../equivalence/evaluate.ts';
import { integer, type Expression } from '../equivalence/expression.ts';
import { parseExpression } from '../equivalence/parser.ts';
import { same, toNumber, type Rational } from '../equivalence/rational.ts';

export interface Value {
  /** Null where it is irrational. */
  readonly exact: Rational | null;
  readonly near: number;
}

/** The longest expression that is calculated. */
const MAX_CHARS = 300;
const RELATIVE_TOLERANCE = 1e-9;
/** Of two expressions that are said to be about equal. */
const ROUGHLY = 0.01;

/** Null where the text is no expression, or has no finite value. */
export function valueOf(spelt: string): Value | null {
  const expression = spelt.length > MAX_CHARS ? null : expressionOf(spelt);
  if (!expression) return null;
  const value = exact(expression);
  if (value) return { exact: value, near: toNumber(value) };
  const near = approximate(expression);
  return near === null ? null : { exact: null, near };
}

const expressionOf = (spelt: string): Expression | null =>
  /^\d{1,15}$/.test(spelt) ? integer(BigInt(spelt)) : parseExpression(spelt);

/** Digits after the point of a number as written; null where the text is anything but a number. */
export function placesOf(spelt: string): number | null {
  const match = /^\{?-?\d*(?:\.(\d+))?\}?°?$/.exec(spelt);
  return match && (match[1]?.length ?? 0);
}

/** `=` holds for the digits written; `≈` also for a number that is rounded to a whole one, to tens, and so on. */
export function agree(a: string, b: string, relation: '=' | '≈'): boolean | null {
  const small = smallNumber(a);
  if (small !== null && small === smallNumber(b)) return true;
  const [x, y] = [valueOf(a), valueOf(b)];
  if (!x || !y) return null;
  if (equal(a, x, b, y, relation)) return true;
  const [others, those] = [readings(a), readings(b)];
  return others.some((left) =>
    those.some((right) => {
      const [u, v] = [valueOf(left), valueOf(right)];
      return u !== null && v !== null && equal(left, u, right, v, relation);
    }),
  );
}

/** The fast path for most of what a response writes: a whole number, or one sum or product of two. */
function smallNumber(spelt: string): number | null {
  const [, a, operator, b = '0'] = /^(\d{1,7})(?:([+\-*])(\d{1,7}))?$/.exec(spelt) ?? [];
  if (a === undefined) return null;
  if (operator === '*') return Number(a) * Number(b);
  return operator === '-' ? Number(a) - Number(b) : Number(a) + Number(b);
}

function equal(a: string, x: Value, b: string, y: Value, relation: '=' | '≈'): boolean {
  if (x.exact && y.exact ? same(x.exact, y.exact) : close(x.near, y.near)) return true;
  return rounds(a, x, y, relation) || rounds(b, y, x, relation);
}

const close = (a: number, b: number): boolean =>
  Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));

/**
 * Whether the number as written is the value to its last digit, rounded or cut off. A value that these digits could hold
 * exactly must be held exactly.
 */
function rounds(written: string, by: Value, value: Value, relation: '=' | '≈'): boolean {
  const places = placesOf(written);
  const off = Math.abs(by.near - value.near);
  if (places === null) return relation === '≈' && off <= ROUGHLY * Math.abs(value.near);
  if (relation === '≈') return off <= lastPlace(written, places) * (1 + RELATIVE_TOLERANCE);
  if (places === 0) return false;
  const holds = value.exact !== null && (value.exact.n * 10n ** BigInt(places)) % value.exact.d === 0n;
  const unit = 10 ** -places * (1 + RELATIVE_TOLERANCE);
  const cut = Math.abs(value.near) > Math.abs(by.near) && off < unit;
  return !holds && (off <= unit / 2 || cut);
}

/** The size of the last digit that says something: 100 for 1200, 0.1 for 3.4. */
function lastPlace(written: string, places: number): number {
  if (places > 0) return 10 ** -places;
  return 10 ** (/0*(?=\D*$)/.exec(written.replace(/^\D*0*(?=\d)/, ''))?.[0].length ?? 0);
}

const PI = /\\pi/g;

/** Other readings of an expression: with a rounded π, with a percent sign that is a unit, with an angle in degrees. */
function readings(spelt: string): string[] {
  const forms = [spelt];
  if (spelt.includes('%')) forms.push(spelt.replaceAll('%', ''));
  if (spelt.includes('\\pi')) forms.push(...['(3.14)', '(3.1416)', '(22/7)'].map((pi) => spelt.replace(PI, pi)));
  if (/\\arc|\\(?:sin|cos|tan)\s*\^\s*\{?\s*-\s*1/.test(spelt)) forms.push(`(${spelt})*180/\\pi`);
  return forms;
}

/** `11`, `0.3333`: for a reader. */
export function wordsOf(value: Value | null): string {
  return value === null ? 'no number' : String(Number(value.near.toPrecision(6)));
}
