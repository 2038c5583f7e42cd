/** Times of day. `3:30` alone is a ratio; `3:30 pm`, `2.30 pm`, `15:30:00`, `3:00`, `3 o'clock`, `14h30` are times. */
import type { Value } from './value.ts';
import { leadingNumber } from './words.ts';

const PART = String.raw`(?:\s*,?\s*(?:in the|at)\s+(morning|afternoon|evening|night))`;
const SAID = String.raw`(?:\s*([ap])\.?\s?m\.?|\s*(o'?clock))`;
const TIME = new RegExp(
  String.raw`^(?:at\s+)?(\d{1,2})(?:[:.]([0-5]\d))?(?::([0-5]\d))?(?:${SAID}${PART}?|${PART})$`,
  'i',
);
const CLOCK = /^(\d{1,2}):(?:(0\d)|([0-5]\d):00)$/;
/** Twenty-four hours: `14:30 hours`, `1430 hours`, `14h30`. */
const MILITARY = /^([01]\d|2[0-3])(?::|h|(?=\d\d\s*(?:h|hrs|hours)$))([0-5]\d)\s*(?:h|hrs|hours)?$/i;

export function readTimeOfDay(text: string): Value | null {
  if (/^(?:(?:12(?::00)?\s*)?noon|midday|12\s+midday)$/i.test(text)) return time(720, 'pm');
  if (/^(?:12(?::00)?\s*)?midnight$/i.test(text)) return time(0, 'am');
  return stated(text) ?? bare(text) ?? spoken(text);
}

const time = (minutes: number, meridiem: 'am' | 'pm' | null): Value => ({ type: 'time', minutes, meridiem });

function stated(text: string): Value | null {
  const match = TIME.exec(text);
  if (!match) return null;
  const [, hour = '', minute = '0', second = '0', letter, , ...parts] = match;
  if (Number(hour) > 24) return null;
  const part = parts.find((each) => each !== undefined)?.toLowerCase();
  const said =
    letter ??
    (part === undefined ? undefined : part === 'morning' || (part === 'night' && Number(hour) < 6) ? 'a' : 'p');
  const meridiem = said === undefined ? null : said.toLowerCase() === 'p' ? 'pm' : 'am';
  const shift = meridiem === 'pm' && Number(hour) < 12 ? 12 : meridiem === 'am' && Number(hour) === 12 ? -12 : 0;
  const minutes = (Number(hour) + shift) * 60 + Number(minute);
  return Number(second) === 0
    ? time(minutes, meridiem)
    : { type: 'written', text: `time ${minutes}:${Number(second)}` };
}

/** `12:00`, `9:05` and `20:34:00`: ratios are not written like this. */
function bare(text: string): Value | null {
  const match = CLOCK.exec(text);
  const military = MILITARY.exec(text);
  if (military && text !== `${military[1]}:${military[2]}`) {
    const minutes = Number(military[1]) * 60 + Number(military[2]);
    return time(minutes, minutes < 720 ? 'am' : 'pm');
  }
  const hour = Number(match?.[1] ?? 25);
  return hour > 24 ? null : time(hour * 60 + Number(match?.[2] ?? match?.[3]), null);
}

/** `half past 7`, `quarter to six`, `ten minutes past four`, `five o'clock`. Figures alone are a range: `5 to 10`. */
function spoken(text: string): Value | null {
  const whole = /^([a-z]+)\s+(?:o'?clock|([ap])\.?\s?m\.?)$/i.exec(text);
  const said = whole && spokenNumber(whole[1] ?? '');
  if (said && said <= 12) return stated(`${said} ${whole[2] ? `${whole[2]}m` : "o'clock"}`);
  const [, from = '', unit = '', side = '', to = '', oClock = '', letter] =
    /^(?:a\s+)?([a-z\d -]+?)(\s+minutes?)?\s+(past|after|to|before)\s+([a-z\d]+?)(\s+o'?clock)?(?:\s*([ap])\.?\s?m\.?)?$/i.exec(
      text,
    ) ?? [];
  const minutes = { half: 30, quarter: 15 }[from.toLowerCase()] ?? spokenNumber(from);
  const hour = spokenNumber(to);
  if (minutes === null || hour === null || minutes > 59 || hour < 1 || hour > 12 || (minutes < 5 && /^to$/i.test(side)))
    return null;
  if (/^\d+$/.test(from) && unit === '' && oClock === '' && /^to$/i.test(side)) return null;
  const minute = (hour * 60 + (/past|after/i.test(side) ? minutes : -minutes) + 720) % 720;
  return letter === undefined
    ? time(minute, null)
    : time(minute + (/p/i.test(letter) ? 720 : 0), /p/i.test(letter) ? 'pm' : 'am');
}

function spokenNumber(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  const words = text.toLowerCase().split(/[\s-]+/);
  const { value, length } = leadingNumber(words);
  return length === words.length ? value : null;
}
