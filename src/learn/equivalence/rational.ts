/** Exact rational numbers on BigInt, always in lowest terms with a positive denominator. */

export interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

/** Numbers larger than this many bits are not computed exactly: 10^10^10 must not eat memory. */
const MAX_BITS = 4096;

export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a < 0n ? -a : a;
}

/** Null when the denominator is 0. */
export function rational(n: bigint, d = 1n): Rational | null {
  if (d === 0n) return null;
  const g = gcd(n, d) || 1n;
  return d < 0n ? { n: -n / g, d: -d / g } : { n: n / g, d: d / g };
}

/** `12`, `-0.5`, `.5`, `5.` and `1.2e-3`; null for anything else or an exponent past the size limit. */
export function parseDecimal(text: string): Rational | null {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(text);
  if (!match) return null;
  const [, sign, whole = '', part = '', exponent = '0'] = match;
  const digits = whole + part;
  if (digits === '' || digits.length > 1000) return null;
  const shift = Number(exponent) - part.length;
  if (Math.abs(shift) > 1200) return null;
  const n = BigInt(digits) * (sign === '-' ? -1n : 1n);
  return shift >= 0 ? rational(n * 10n ** BigInt(shift)) : rational(n, 10n ** BigInt(-shift));
}

export const same = (a: Rational, b: Rational): boolean => a.n === b.n && a.d === b.d;
export const add = (a: Rational, b: Rational): Rational | null => bounded(rational(a.n * b.d + b.n * a.d, a.d * b.d));
export const multiply = (a: Rational, b: Rational): Rational | null => bounded(rational(a.n * b.n, a.d * b.d));
export const divide = (a: Rational, b: Rational): Rational | null => bounded(rational(a.n * b.d, a.d * b.n));
export const negate = (a: Rational): Rational => ({ n: -a.n, d: a.d });

/** `a ^ b` for a whole `b`; null when b is not whole, the result is too large, or it is 0 to a negative power. */
export function power(a: Rational, b: Rational): Rational | null {
  if (b.d !== 1n) return null;
  const size = BigInt(Math.max(bits(a.n), bits(a.d)));
  const times = b.n < 0n ? -b.n : b.n;
  // 0 and 1 stay small whatever the power.
  if (size > 1n && times * size > BigInt(MAX_BITS)) return null;
  const reduced = size > 1n ? times : times === 0n ? 0n : 2n - (times % 2n);
  return b.n < 0n ? rational(a.d ** reduced, a.n ** reduced) : rational(a.n ** reduced, a.d ** reduced);
}

/** Nearest double; exact division of big parts first, so that it does not overflow to NaN. */
export function toNumber({ n, d }: Rational): number {
  const direct = Number(n) / Number(d);
  if (Number.isFinite(direct) && direct !== 0) return direct;
  if (n === 0n) return 0;
  const shift = BigInt(bits(n) - bits(d) - 64);
  const q = shift >= 0n ? n / (d << shift) : (n << -shift) / d;
  return Number(q) * 2 ** Number(shift);
}

function bits(n: bigint): number {
  return (n < 0n ? -n : n).toString(16).length * 4 - (n === 0n || n === 1n || n === -1n ? 3 : 0);
}

function bounded(a: Rational | null): Rational | null {
  return a !== null && bits(a.n) <= MAX_BITS && bits(a.d) <= MAX_BITS ? a : null;
}
