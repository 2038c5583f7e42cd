/**
 * Ranges, scores and seasons: `20-30`, `3-1`, `from 5 to 10`, `9 am to 5 pm`, `Monday-Friday`, `2019-20`. They are
 * compared end by end: read as differences, `20-30` and `30-40` would be one vote.
 */
import { readTimeOfDay } from './time-of-day.ts';
import { readDate } from './date.ts';
import { variables } from './expression.ts';
import type { Read } from './relation.ts';
import type { Value } from './value.ts';
import { isCalendarWord } from './words.ts';

const NUMBER = String.raw`\p{Sc}?\s*\d+(?:,\d{3})*(?:\.\d+)?(?:st|nd|rd|th)?`;
const HOUR_MINUTE = /^\d{1,2}:[0-5]\d$/;
/** A unit or a noun; not a name of mathematics, which makes it a difference (`3-2 pi`). */
const NOUN = String.raw`(?:\s*[%°]|\s*(?!(?:or|and|pi)\b|sqrt|sin|cos|tan|log|ln)[A-Za-z]{2,}\.?|\s+(?!(?:or|and|pi|[xyzei])\b)[A-Za-z]+)`;
const HYPHENED = new RegExp(String.raw`^(?:from\s+)?(${NUMBER}${NOUN}?)\s*-\s*(${NUMBER}${NOUN}?)$`, 'iu');
const SPOKEN = /^(from\s+)?(\S.*?)\s+(to|through|until|till|up to)\s+((?!.*\s(?:to|through|until|till)\s)\S.*)$/i;
const BETWEEN = /^between\s+(\S.*?)\s+and\s+(\S.*)$/i;
const DASHED = /^(\S.*?)\s*-\s*(\S.*)$/;
/** Numbers, prefixes and zip codes with more than one hyphen. */
const HYPHENS = /^\d+(?:-\d+){2,}$/;
const SEASON = /^(\d\d)(\d\d)\s*[-/]\s*(\d\d)$/;

/** Longer text is not a range, and its parts are not parsed. */
const MAX_CHARS = 100;

export function readRange(text: string, depth: number, read: Read): Value | null {
  if (HYPHENS.test(text)) return readDate(text) ?? { type: 'written', text };
  if (text.length > MAX_CHARS) return null;
  const season = SEASON.exec(text);
  if (season && (Number(season[2]) + 1) % 100 === Number(season[3])) {
    const from = Number(`${season[1]}${season[2]}`);
    return ends(String(from), String(from + 1), false, depth, read);
  }
  const hyphened = HYPHENED.exec(text);
  if (hyphened) return readDate(text) ?? ends(hyphened[1], hyphened[2], false, depth, read);
  const [, from, low, joint, high] = SPOKEN.exec(text) ?? [];
  if (low !== undefined) return ends(low, high, from === undefined && joint === 'to', depth, read);
  const [, least, most] = BETWEEN.exec(text) ?? [];
  if (least !== undefined) return ends(least, most, false, depth, read);
  const [, first = '', last = ''] = DASHED.exec(text) ?? [];
  return isCalendar(first) && isCalendar(last) && !readDate(text) ? ends(first, last, false, depth, read) : null;
}

/** A time, a date, a weekday or a month; not a mere number. */
const isCalendar = (text: string): boolean =>
  HOUR_MINUTE.test(text) || readTimeOfDay(text) !== null || readDate(text)?.type === 'date' || isCalendarWord(text);

/** `ratio`: `1 to 2` may be the ratio 1:2, too. A unit or a currency stated once applies to both ends. */
function ends(first = '', last = '', ratio: boolean, depth: number, read: Read): Value | null {
  const [from, to] = [first, last].map((end) => end.replace(/^(\d+)(?:st|nd|rd|th)$/, '$1')) as [string, string];
  const sign = /^\p{Sc}/u.exec(from)?.[0];
  let low = read(from, depth + 1);
  const high = read(sign !== undefined && /^\d/.test(to) ? sign + to : to, depth + 1);
  if (low.type === 'quantity' && high.type === 'quantity') {
    if (!low.unit && !low.percent) low = { ...low, unit: high.unit, percent: high.percent };
  } else if (low.type === 'quantity' && high.type === 'time' && high.meridiem && /^\d{1,2}$/.test(from))
    low = read(`${from} ${high.meridiem}`, depth + 1);
  const isEnd = (value: Value, text: string): boolean =>
    value.type === 'quantity'
      ? variables(value.expression).length === 0
      : value.type === 'time' || value.type === 'date' || isCalendar(text);
  return isEnd(low, from) && isEnd(high, to)
    ? { type: 'range', ends: [low, high], ratio: ratio && low.type === 'quantity' && high.type === 'quantity' }
    : null;
}
