/** Formats numbers for people. Null, a value not known yet, is a dash. */

export const DASH = '–';

export function percent(value: number | null, digits = 1): string {
  return value === null ? DASH : `${(100 * value).toFixed(digits)} %`;
}

/** A difference of two shares, in percentage points. */
export function points(difference: number): string {
  const text = (100 * difference).toFixed(1);
  return difference >= 0 ? `+${text}` : text;
}

export function fixed(value: number | null, digits: number): string {
  return value === null ? DASH : value.toFixed(digits);
}

/** 4231 is `4,231`; from 10,000 on `12.3k`, `4.5M`. */
export function amount(value: number | null): string {
  if (value === null) return DASH;
  const size = Math.abs(value);
  if (size >= 999_950) return `${(value / 1e6).toFixed(1)}M`;
  if (size >= 10_000) return `${(value / 1e3).toFixed(1)}k`;
  return Math.round(value).toLocaleString('en-US');
}

export function bytes(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`;
  return value < 999_500 ? `${Math.round(value / 1e3)} kB` : `${Math.round(value / 1e6)} MB`;
}

/** `0:07`, `12:41`, `3:02:41`, `2d 03:02`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const two = (n: number): string => String(n).padStart(2, '0');
  if (days > 0) return `${days}d ${two(hours)}:${two(minutes)}`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/** Time of day, local. */
export function clock(milliseconds: number): string {
  const time = new Date(milliseconds);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Date, local: `2026-11-27`. */
export function day(milliseconds: number): string {
  const date = new Date(milliseconds);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
}
