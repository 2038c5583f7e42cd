/**
 * The values of sums, products, limits and integrals, in doubles. A value that does not converge is NaN and equals
 * nothing: a guess would be a vote for a wrong answer. Each takes a bounded number of evaluations.
 */
import * as C from './complex.ts';
import type { Complex } from './complex.ts';
import type { Bound } from './expression.ts';

const MAX_TERMS = 2000;
const NOT_SETTLED = C.real(NaN);

/** `at` is the body's value where the bound name has this value. */
export function evaluateBound(
  operator: Bound['operator'],
  from: Complex,
  to: Complex,
  at: (value: number) => Complex,
): Complex {
  if (from.im !== 0 || to.im !== 0) return NOT_SETTLED;
  const real = (value: number): number => {
    const { re, im } = at(value);
    return im === 0 ? re : NaN;
  };
  switch (operator) {
    case 'sum':
      return to.re === Infinity
        ? C.real(series(from.re, real))
        : fold(from.re, to.re, C.real(0), (sum, k) => C.add(sum, at(k)));
    case 'prod':
      return fold(from.re, to.re, C.real(1), (product, k) => C.multiply(product, at(k)));
    case 'lim':
      return C.real(limit(from.re, to.re, real));
    case 'int':
      return C.real(integral(from.re, to.re, real));
    default:
      return operator satisfies never;
  }
}

function fold(from: number, to: number, start: Complex, step: (so: Complex, k: number) => Complex): Complex {
  if (!Number.isInteger(from) || !Number.isInteger(to) || to < from - 1 || to - from > MAX_TERMS) return NOT_SETTLED;
  let value = start;
  for (let k = from; k <= to && C.isFinite(value); k++) value = step(value, k);
  return value;
}

const NEGLIGIBLE = 1e-17;
const DIRECT_TERMS = 400;

/** Sums the series until its terms vanish; accelerates a slower one if its terms fall at all. */
function series(from: number, term: (k: number) => number): number {
  if (!Number.isInteger(from)) return NaN;
  let [sum, small] = [0, 0];
  for (let k = from; k < from + DIRECT_TERMS; k++) {
    const value = term(k);
    if (!Number.isFinite(value)) return NaN;
    sum += value;
    small = Math.abs(value) <= NEGLIGIBLE * Math.abs(sum) ? small + 1 : 0;
    if (small === 8) return sum;
  }
  const [early, late] = [from + 20, from + DIRECT_TERMS].map((k) => Math.abs(term(k)));
  if (early === undefined || late === undefined || late > early / 2) return NaN;
  const [a, b] = [levin(from, term, 11), levin(from, term, 13)];
  return Math.abs(a - b) <= 1e-8 * Math.abs(b) ? b : NaN;
}

/** Levin's u-transform of the first `order + 1` partial sums. */
function levin(from: number, term: (k: number) => number, order: number): number {
  let [sum, above, below, choose] = [0, 0, 0, 1];
  for (let j = 0; j <= order; j++) {
    const value = term(from + j);
    sum += value;
    const weight = (j % 2 === 0 ? choose : -choose) * (((j + 1) / (order + 1)) ** (order - 1) / ((j + 1) * value));
    above += weight * sum;
    below += weight;
    choose = (choose * (order - j)) / (j + 1);
  }
  return above / below;
}

/** More of them lose digits where a difference is divided by a small distance. */
const HALVINGS = 9;

/** From the side given (1: from above), or from both, which must agree. */
function limit(point: number, side: number, at: (value: number) => number): number {
  if (Math.abs(point) === Infinity) return approach((k) => at(Math.sign(point) * 7.3 * 2 ** k));
  const [above, below] = [1, -1].map((sign) =>
    side === -sign ? NaN : approach((k) => at(point + sign * 0.21 * 2 ** -k)),
  );
  if (above === undefined || below === undefined) return NaN;
  if (side !== 0) return side > 0 ? above : below;
  if (above === below) return above;
  return Number.isFinite(above) && Math.abs(above - below) <= 1e-9 * Math.max(1, Math.abs(above)) ? above : NaN;
}

/**
 * Richardson's extrapolation of values at distances that halve; the entry of the table that differs least from both of
 * its sources.
 */
function approach(at: (k: number) => number): number {
  const values = Array.from({ length: HALVINGS }, (_, k) => at(k));
  const end = values.at(-1) ?? NaN;
  if (values.slice(-6).every((value, i, tail) => i === 0 || value / (tail[i - 1] ?? NaN) > 1.4))
    return end > 0 ? Infinity : -Infinity;
  let [best, error] = [NaN, Infinity];
  let column = values;
  for (let order = 1; order < HALVINGS; order++) {
    const next = column.slice(1).map((value, i) => value + (value - (column[i] ?? NaN)) / (2 ** order - 1));
    for (const [i, value] of next.entries()) {
      const difference = Math.max(Math.abs(value - (column[i + 1] ?? NaN)), Math.abs(value - (column[i] ?? NaN)));
      if (order > 1 && difference < error) [best, error] = [value, difference];
    }
    column = next;
  }
  if (error > 1e-10 * Math.max(1, Math.abs(best))) return NaN;
  return Math.abs(best) < 1e-11 ? 0 : best;
}

const LEVELS = 7;
/** Where the weights vanish. */
const END = 4;

/** By the double exponential rule, in which singular ends do no harm. */
function integral(from: number, to: number, at: (value: number) => number): number {
  if (from === -Infinity && to === Infinity)
    return between(-1, 1, (t) => at(t / (1 - t * t)) * ((1 + t * t) / (1 - t * t) ** 2));
  if (to === Infinity) return between(0, 1, (t) => at(from + t / (1 - t)) / (1 - t) ** 2);
  if (from === -Infinity) return between(0, 1, (t) => at(to - t / (1 - t)) / (1 - t) ** 2);
  return between(from, to, at);
}

function between(from: number, to: number, at: (value: number) => number): number {
  const width = to - from;
  let before = NaN;
  for (let level = 3; level <= LEVELS; level++) {
    const step = 2 ** -level;
    let sum = 0;
    for (let t = -END; t <= END; t += step) {
      const u = (Math.PI / 2) * Math.sinh(t);
      // Counted from the nearer end, whose neighbourhood decides where the body has no value at it.
      const place = t < 0 ? from + width / (1 + Math.exp(-2 * u)) : to - width / (1 + Math.exp(2 * u));
      const value = at(place) * ((Math.PI / 2) * (Math.cosh(t) / Math.cosh(u) ** 2));
      if (Number.isFinite(value)) sum += value;
      else if (Math.abs(t) < 3) return NaN;
    }
    const area = (sum * step * width) / 2;
    if (Math.abs(area - before) <= 1e-12 * Math.max(1, Math.abs(area))) return Math.abs(area) < 1e-12 ? 0 : area;
    before = area;
  }
  return NaN;
}
