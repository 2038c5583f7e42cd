/** Clock times and dates. `3:30` alone is a ratio; `3:30 pm`, `15:30:00`, `3:00`, `3 o'clock` are times. */
import type { Value } from './value.ts';
import { leadingNumber, MONTHS } from './words.ts';

export function parseDateTime(text: string): Value | null {
  return parseTime(text) ?? parseDate(text);
}

function parseTime(text: string): Value | null {
  if (/^(?:12(?::00)?\s*)?noon$/i.test(text)) return { type: 'time', minutes: 720, meridiem: 'pm' };
  if (/^(?:12(?::00)?\s*)?midnight$/i.test(text)) return { type: 'time', minutes: 0, meridiem: 'am' };
  const match = /^(\d{1,2})(?::([0-5]\d))?\s*(?:(a|p)\.?\s?m\.?|(o'?clock))(?:\s+(?:in the )?(morning|afternoon|evening))?$/i.exec(text);
  if (!match) return parseClock(text) ?? parseSpoken(text);
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

/** `half past 7`, `quarter to six`, `ten minutes past four`. */
function parseSpoken(text: string): Value | null {
  const [, from = '', side = '', to = ''] =
    /^(?:a\s+)?([a-z\d -]+?)(?:\s+minutes?)?\s+(past|after|to|before)\s+([a-z\d]+)(?:\s+o'?clock)?$/i.exec(text) ?? [];
  const minutes = { half: 30, quarter: 15 }[from.toLowerCase()] ?? spokenNumber(from);
  const hour = spokenNumber(to);
  if (minutes === null || hour === null || minutes > 59 || hour < 1 || hour > 12 || (minutes < 5 && /^to$/i.test(side))) return null;
  return { type: 'time', minutes: (hour * 60 + (/past|after/i.test(side) ? minutes : -minutes) + 720) % 720, meridiem: null };
}

function spokenNumber(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const words = text.toLowerCase().split(/[\s-]+/);
  const { value, length } = leadingNumber(words);
  return length === words.length ? value : null;
}

function parseDate(text: string): Value | null {
  const iso = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text);
  if (iso) return date(iso[1], iso[2], iso[3]);
  const dayFirst = /^(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?([A-Za-z]{3,9})(?:\.?,?\s+(\d{4}))?$/.exec(text);
  if (dayFirst) return date(dayFirst[3], month(dayFirst[2]), dayFirst[1]);
  const monthFirst = /^([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s+(\d{4}))?$/.exec(text);
  return monthFirst ? date(monthFirst[3], month(monthFirst[1]), monthFirst[2]) : null;
}

function month(name = ''): string {
  return String(MONTHS.findIndex((full) => full.startsWith(name.toLowerCase())) + 1);
}

/** The year may be unknown. */
function date(year = '', monthNumber = '', day = ''): Value | null {
  const m = Number(monthNumber);
  if (m < 1 || m > 12 || Number(day) < 1 || Number(day) > 31) return null;
  return { type: 'date', iso: `${year}-${monthNumber.padStart(2, '0')}-${day.padStart(2, '0')}` };
}
