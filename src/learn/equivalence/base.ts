/** Numerals with a base: `204_5`, `1A_{16}`, `101 (base 2)`, `0xFF`. */
import { integer, type Expression } from './expression.ts';
import type { Unit } from './units.ts';
import type { Quantity } from './value.ts';

const NAMED = new Map(
  Object.entries({ two: 2, bin: 2, binary: 2, eight: 8, oct: 8, octal: 8, ten: 10, decimal: 10, sixteen: 16, hex: 16 }),
);
const PREFIXED = new Map(Object.entries({ x: 16, b: 2, o: 8 }));
const SUBSCRIPT =
  /^([+-]?)\s*(?:\(\s*([\da-z]{1,40})\s*\)|([\da-z]{1,40}))\s*_\s*\{?\s*(?:\(?(\d{1,2})\)?|([a-z]+))\s*\}?$/i;
const SPELT = /^([+-]?)([\da-z]{1,40})\s*\(?\s*(?:in\s+)?base[\s-]*(\d{1,2}|[a-z]+)\s*\)?$/i;
const PREFIX = /^([+-]?)0([xbo])([\da-f]{1,40})$/i;

export function readBased(text: string): Quantity | null {
  const [, sign = '', letter, code] = PREFIX.exec(text) ?? [];
  if (letter !== undefined && code !== undefined)
    return plain(sign, valueOf(code, BigInt(PREFIXED.get(letter.toLowerCase()) ?? 0)));
  const [, minus = '', grouped, bare, number, name] = SUBSCRIPT.exec(text) ?? [];
  const digits = grouped ?? bare;
  if (digits !== undefined) return inBase(minus, digits, number ?? name ?? '');
  const [, before = '', spelt, base] = SPELT.exec(text) ?? [];
  return spelt === undefined || base === undefined ? null : inBase(before, spelt, base);
}

/**
 * The digits as written, with the base as a unit, which may be left out; the factor turns the digits into their value.
 * Digits with a letter among them need the base, so they become their value. A single letter (`A_{16}`, `x_2`) is a
 * name.
 */
function inBase(sign: string, digits: string, base: string): Quantity | null {
  const radix = BigInt(/^\d+$/.test(base) ? base : (NAMED.get(base.toLowerCase()) ?? 0));
  const value = radix >= 2n && radix <= 36n ? valueOf(digits, radix) : null;
  if (value === null || /^[a-z]$/i.test(digits)) return null;
  if (!/^\d+$/.test(digits)) return plain(sign, value);
  return quantity(signed(sign, BigInt(digits)), {
    factor: { n: value || 1n, d: BigInt(digits) || 1n },
    dimension: 'base',
    radians: false,
  });
}

function valueOf(digits: string, radix: bigint): bigint | null {
  let value = 0n;
  for (const char of digits.toLowerCase()) {
    const digit = BigInt('0123456789abcdefghijklmnopqrstuvwxyz'.indexOf(char));
    if (digit >= radix) return null;
    value = value * radix + digit;
  }
  return value;
}

const plain = (sign: string, value: bigint | null): Quantity | null =>
  value === null
    ? null
    : quantity(signed(sign, value), { factor: { n: 1n, d: 1n }, dimension: 'base', radians: false });
const signed = (sign: string, value: bigint): Expression => integer(sign === '-' ? -value : value);
const quantity = (expression: Expression, unit: Unit): Quantity => ({
  type: 'quantity',
  expression,
  unit,
  percent: false,
});
