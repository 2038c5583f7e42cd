/**
 * Quadrants (`Quadrant II`, `second quadrant`) and Roman numerals (`IV`). `IV` differs from `VI`, although they are
 * equal as products.
 */
import { integer } from './expression.ts';
import type { Value } from './value.ts';
import { ORDINALS } from './words.ts';

const ROMAN = /^(?=[IVX]{2,6}$)(X{0,3})(IX|IV|V?I{0,3})$/;
const UNITS = ['', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX'];
const QUADRANT = /^(?:(?:in|the)\s+)*(?:quadrant\s+(\w+)|(\w+)\s+quadrant|Q\s?([IV]+))$/i;

/** A letter of a choice, or the first quadrant. */
export const readLoneOne = (text: string): Value | null =>
  text === 'I'
    ? { type: 'either', parts: [{ type: 'choice', letter: 'I', rest: null }, counted(1, 'quadrant')] }
    : null;

export function readRoman(text: string): Value | null {
  const named = QUADRANT.exec(text);
  const name = (named?.[1] ?? named?.[2] ?? named?.[3] ?? '').toLowerCase();
  const n = ordinal(name);
  if (named && n !== null && n >= 1 && n <= 4) return counted(n, 'quadrant');
  const value = ROMAN.test(text) ? roman(text) : null;
  return value === null ? null : counted(value, null);
}

const counted = (n: number, dimension: string | null): Value => ({
  type: 'quantity',
  expression: integer(BigInt(n)),
  unit: dimension === null ? null : { factor: { n: 1n, d: 1n }, dimension, radians: false },
  percent: false,
});

function ordinal(name: string): number | null {
  const digit = /^(\d)(?:st|nd|rd|th)?$/.exec(name)?.[1];
  if (digit !== undefined) return Number(digit);
  const word = Math.max(ORDINALS.indexOf(name), ['one', 'two', 'three', 'four'].indexOf(name));
  if (word >= 0) return word + 1;
  const numeral = name.toUpperCase();
  return numeral === 'I' ? 1 : roman(numeral);
}

export function roman(text: string): number | null {
  const [, tens = '', units = ''] = ROMAN.exec(text) ?? [];
  const value = tens.length * 10 + UNITS.indexOf(units);
  return value > 0 ? value : null;
}

/** `Quadrants I and III`, `first and third quadrants`: the quadrants' numbers. */
export function withoutQuadrants(text: string): string {
  const list =
    /^(?:in\s+)?(?:the\s+)?[Qq]uadrants\s+([IV\d][IV\d\s,andor&]*)$/.exec(text)?.[1] ??
    /^(?:in\s+)?(?:the\s+)?(.+)\s+quadrants$/i.exec(text)?.[1];
  if (list === undefined) return text;
  const names = list.split(/\s*(?:,|&|\band\b|\bor\b)\s*/).filter(Boolean);
  const numbers = names.map((name) => ordinal(name.toLowerCase()));
  return numbers.length > 1 && numbers.every((n) => n !== null) ? numbers.join(', ') : text;
}
