/** Clock times and dates. `3:30` alone is a ratio; `3:30 pm`, `15:30:00`, `3:00`, `3 o'clock` are times. */
import type { Value } from './value.ts';

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

export function parseDateTime(text: string): Value | null {
  return parseTime(text) ?? parseDate(text);
}

function parseTime(text: string): Value | null {
  const match = /^(\d{1,2})(?::([0-5]\d))?\s*(?:(a|p)\.?\s?m\.?|(o'?clock))(?:\s+(?:in the )?(morning|afternoon|evening))?$/i.exec(text);
  if (!match) return parseClock(text);
  const hour = Number(match[1]);
  if (hour > 24) return null;
  const meridiem = match[3] ? (match[3].toLowerCase() === 'p' ? 'pm' : 'am') : null;
  const shift = meridiem === 'pm' && hour < 12 ? 12 : meridiem === 'am' && hour === 12 ? -12 : 0;
  return { type: 'time', minutes: (hour + shift) * 60 + Number(match[2] ?? 0), meridiem };
}

/** `12:00`, `9:05` and `20:34:00`: nobody writes a ratio so. */
function parseClock(text: string): Value | null {
  const match = /^(\d{1,2}):(?:(0\d)|([0-5]\d):00)$/.exec(text);
  const hour = Number(match?.[1] ?? 25);
  return hour > 24 ? null : { type: 'time', minutes: hour * 60 + Number(match?.[2] ?? match?.[3]), meridiem: null };
}

function parseDate(text: string): Value | null {
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text);
  if (iso) return date(iso[1], iso[2], iso[3]);
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?([A-Za-z]{3,9})\.?,?\s+(\d{4})$/.exec(text);
  if (dayFirst) return date(dayFirst[3], month(dayFirst[2]), dayFirst[1]);
  const monthFirst = /^([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})$/.exec(text);
  return monthFirst ? date(monthFirst[3], month(monthFirst[1]), monthFirst[2]) : null;
}

function month(name = ''): string {
  return String(MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1);
}

function date(year = '', monthNumber = '', day = ''): Value | null {
  const m = Number(monthNumber);
  if (m < 1 || m > 12 || Number(day) < 1 || Number(day) > 31) return null;
  return { type: 'date', iso: `${year}-${monthNumber.padStart(2, '0')}-${day.padStart(2, '0')}` };
}
