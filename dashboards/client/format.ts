/** Formats numbers and times, in one place, so that a value looks the same on every page. */
const LOCALE = 'en-US';
const DASH = '–';

type Maybe = number | null | undefined;

/** 12,345 */
export function count(value: Maybe): string {
  return known(value) ? Math.round(value).toLocaleString(LOCALE) : DASH;
}

/** 0.8123, 12.3, 1,234, 1.2e-6: four significant digits. */
export function number(value: Maybe, digits = 4): string {
  if (!known(value)) return DASH;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(2);
  if (Number.isInteger(value) && size < 1e9) return value.toLocaleString(LOCALE);
  return value.toLocaleString(LOCALE, { maximumSignificantDigits: digits });
}

/** 0.140, 12.3: three significant digits, zeros included, so that values in a column are comparable. */
export function significant(value: Maybe): string {
  if (!known(value) || Math.abs(value) < 1e-4 || Math.abs(value) >= 1000) return number(value, 3);
  return value.toLocaleString(LOCALE, { minimumSignificantDigits: 3, maximumSignificantDigits: 3 });
}

/** 81.3 % */
export function percent(value: Maybe, digits = 1): string {
  return known(value) ? `${(value * 100).toFixed(digits)} %` : DASH;
}

/** +2.4 pp */
export function points(value: Maybe): string {
  return known(value) ? `${value >= 0 ? '+' : '−'}${Math.abs(value * 100).toFixed(1)} pp` : DASH;
}

/** 3.2/s, 24/min */
export function rate(perSecond: Maybe): string {
  if (!known(perSecond)) return DASH;
  if (perSecond > 0 && perSecond < 1) return `${number(perSecond * 60, 2)}/min`;
  return `${number(perSecond, perSecond < 10 ? 2 : 3)}/s`;
}

/** 812 MB */
export function bytes(value: Maybe): string {
  if (!known(value)) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${number(value / 1000 ** power, 3)} ${units[power]}`;
}

/** 4.2 s, 4 s (a whole number of seconds), 3 min 12 s, 2 h 5 min, 3 d 4 h */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return DASH;
  if (seconds < 10 && !Number.isInteger(seconds)) return `${Math.max(0, seconds).toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** 14:03:12, with the date when it is not today. */
export function time(at: number): string {
  const date = new Date(at);
  const clock = date.toLocaleTimeString('en-GB');
  return date.toDateString() === new Date().toDateString() ? clock : `${date.toLocaleDateString('en-CA')} ${clock}`;
}

/** For `title` and `datetime`. */
export function exactTime(at: number): string {
  return new Date(at).toISOString();
}

function known(value: Maybe): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}
