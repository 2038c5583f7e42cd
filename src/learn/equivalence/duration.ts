/**
 * Durations with a colon (`1:30 hours`, `1h30`), and amounts with a fraction as words (`half an hour`, `two and a half
 * miles`).
 */
import { readTimeOfDay } from './time-of-day.ts';
import { numberOf } from './expression.ts';
import { rational } from './rational.ts';
import { parseUnit } from './units.ts';
import type { Value } from './value.ts';
import { leadingNumber } from './words.ts';

const COLON = /^(\d{1,3}):([0-5]\d)(?::([0-5]\d))?\s*(hours?|hrs?|h|minutes?|mins?|min)$/i;
const HOURS = /^(\d{1,3})\s*(?:h|hrs?|hours?)\s*([0-5]?\d)(?:\s*m(?:ins?|inutes?)?)?$/i;
const N = String.raw`(\d+|[a-z]+(?:[ -][a-z]+)?)`;
const UNIT = String.raw`([a-z]{2,})`;
const PART = String.raw`(?:a\s+|one\s+|1\s+)?(half|third|quarter|1/2|1/4)`;
/** Each with the places of the whole, the parts and their name, and the unit. */
const SHAPES: readonly (readonly [shape: RegExp, whole: number, parts: number, name: number, unit: number])[] = [
  [new RegExp(String.raw`^${PART}(?:\s+of)?\s+an?\s+${UNIT}$`, 'i'), 0, 0, 1, 2],
  [new RegExp(String.raw`^${N}\s+(half|third|quarter)s?\s+(?:of\s+)?an?\s+${UNIT}$`, 'i'), 0, 1, 2, 3],
  [new RegExp(String.raw`^${N}\s+${UNIT}\s+and\s+${PART}$`, 'i'), 1, 0, 3, 2],
  [new RegExp(String.raw`^${N}\s+and\s+${PART}\s+${UNIT}$`, 'i'), 1, 0, 2, 3],
];
const NAMES: Readonly<Record<string, bigint>> = { half: 2n, '1/2': 2n, third: 3n, quarter: 4n, '1/4': 4n };

export function readDuration(text: string): Value | null {
  const duration = text.length > 60 ? null : (timed(text) ?? parts(text) ?? single(text));
  // `14:30 hours` may be a time of day.
  const clock = duration && /^(?:0\d|1[3-9]|2[0-3])/.test(text) ? readTimeOfDay(text) : null;
  return clock?.type === 'time' && duration ? { type: 'either', parts: [duration, clock] } : duration;
}

function timed(text: string): Value | null {
  const [, large, small = '0', rest = '0', unit = ''] = COLON.exec(text) ?? [];
  if (large !== undefined) {
    const [first, second] = /^h/i.test(unit) ? [3600, 60] : [60, 1];
    return /^h/i.test(unit) || rest === '0'
      ? seconds(Number(large) * first + Number(small) * second + Number(rest))
      : null;
  }
  const [, hours, minutes] = HOURS.exec(text) ?? [];
  return hours === undefined ? null : seconds(Number(hours) * 3600 + Number(minutes) * 60);
}

/** `an hour`, `a dime`: one of them, or the word. */
function single(text: string): Value | null {
  const name = /^an?\s+([a-z]{3,})$/i.exec(text)?.[1];
  const unit = name === undefined ? null : parseUnit(name);
  if (name === undefined || !unit || !/^(?:time|month|dollar|sterling|euro)$/.test(unit.dimension)) return null;
  const one: Value = { type: 'quantity', expression: numberOf({ n: 1n, d: 1n }), unit, percent: false };
  return { type: 'either', parts: [{ type: 'words', text: name.toLowerCase() }, one] };
}

const seconds = (n: number): Value => ({
  type: 'quantity',
  expression: numberOf({ n: BigInt(n), d: 1n }),
  unit: { factor: { n: 1n, d: 1n }, dimension: 'time', radians: false },
  percent: false,
});

function parts(text: string): Value | null {
  for (const [shape, whole, count, name, unit] of SHAPES) {
    const match = shape.exec(text);
    if (!match) continue;
    const d = NAMES[(match[name] ?? '').toLowerCase()] ?? 1n;
    const [ones, n] = [whole === 0 ? 0 : numberIn(match[whole] ?? ''), count === 0 ? 1 : numberIn(match[count] ?? '')];
    const value = ones === null || n === null ? null : rational(BigInt(ones) * d + BigInt(n), d);
    const measured = parseUnit(match[unit] ?? '');
    if (value && measured && !measured.dimension.startsWith('~'))
      return { type: 'quantity', expression: numberOf(value), unit: measured, percent: false };
  }
  return null;
}

function numberIn(text: string): number | null {
  if (/^an?$/i.test(text)) return 1;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const words = text.toLowerCase().split(/[\s-]+/);
  const { value, length } = leadingNumber(words);
  return length === words.length ? value : null;
}
