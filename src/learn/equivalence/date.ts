/**
 * Dates, whole or without their day or year. `12/25/2021` can only be 25 December; `5/10/2020` may be two days, so it
 * equals only a date with the same numbers.
 */
import { integer } from './expression.ts';
import type { Value } from './value.ts';
import { MONTHS } from './words.ts';

const DAY = String.raw`(\d{1,2})(?:st|nd|rd|th)?`;
const MONTH = String.raw`(jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|${MONTHS.join('|')})`;
const YEAR = String.raw`(\d{4})`;
const WEEKDAY = /^(?:on\s+)?(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+(?=[A-Za-z\d])/i;

const pattern = (shape: string): RegExp => new RegExp(`^${shape}$`, 'i');
/** Each with the places of year, month and day among its groups. */
const SHAPES: readonly (readonly [shape: RegExp, year: number, month: number, day: number])[] = [
  [pattern(String.raw`${YEAR}[-/.](\d{1,2})[-/.](\d{1,2})`), 1, 2, 3],
  [pattern(String.raw`${YEAR}(?:-|/(?=0))(0[1-9]|1[0-2])`), 1, 2, 0],
  [pattern(String.raw`(?:the\s+)?${DAY}\s*(?:of\s+)?${MONTH}\b\.?(?:,?\s+${YEAR})?`), 3, 2, 1],
  [pattern(String.raw`${MONTH}\.?\s+(?:the\s+)?${DAY}(?:,?\s+${YEAR})?`), 3, 1, 2],
  [pattern(String.raw`${MONTH}\.?,?\s+(?:of\s+)?${YEAR}`), 2, 1, 0],
  [pattern(String.raw`${YEAR},?\s+${MONTH}\b\.?(?:\s+${DAY})?`), 1, 2, 3],
];
const NUMBERS = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{2}|\d{4})$/;
const ERA = /^(?:(?:AD|CE)\s+)?(\d{1,5})\s*(B\.?C\.?(?:E\.?)?|A\.?D\.?|C\.?E\.?)?$/;

export function readDate(typed: string): Value | null {
  const text = typed.replace(WEEKDAY, '');
  for (const [shape, year, month, day] of SHAPES) {
    const match = shape.exec(text);
    if (match) return date(match[year] ?? '', match[month] ?? '', day === 0 ? '' : (match[day] ?? ''));
  }
  return numbers(text) ?? era(text);
}

function numbers(text: string): Value | null {
  const [, a = '', , b = '', year = ''] = NUMBERS.exec(text) ?? [];
  if (year === '') return null;
  const [x, y] = [Number(a), Number(b)];
  if (x > 12 || y > 12 || x === y) {
    const [day, month] = x > 12 ? [a, b] : [b, a];
    return date(year, month, day);
  }
  return { type: 'written', text: `date ${x} ${y} ${year.slice(-2)}` };
}

/** The year before or after Christ is a unit: it may be left out. */
function era(text: string): Value | null {
  const [, year, said] = ERA.exec(text) ?? [];
  if (year === undefined || (said === undefined && /^\d/.test(text))) return null;
  const dimension = said?.startsWith('B') ? 'bc' : 'ad';
  return {
    type: 'quantity',
    expression: integer(BigInt(year)),
    unit: { factor: { n: 1n, d: 1n }, dimension, radians: false },
    percent: false,
  };
}

/** Year and day may be unknown. */
function date(year: string, named: string, day: string): Value | null {
  const month = /^\d/.test(named)
    ? Number(named)
    : MONTHS.findIndex((full) => full.startsWith(named.toLowerCase())) + 1;
  if (month < 1 || month > 12 || (day !== '' && (Number(day) < 1 || Number(day) > 31))) return null;
  return { type: 'date', iso: `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}` };
}

/** A year of two digits equals each that ends with them. */
export function sameDate(a: string, b: string): boolean {
  const [[x = '', ...p], [y = '', ...q]] = [a.split('-'), b.split('-')];
  const short = x.length === 2 || y.length === 2;
  return p.join() === q.join() && (x === y || (short && x !== '' && y !== '' && x.slice(-2) === y.slice(-2)));
}
