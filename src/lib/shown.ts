/** A value in a message. */
import { inspect, isDeepStrictEqual } from 'node:util';

const LONGEST = 80;

/**
 * JSON, as it is written in a file; what JSON has no words for (NaN, a function, what holds itself) as Node shows it.
 */
export function shown(value: unknown): string {
  const text = isJson(value) ? JSON.stringify(value) : inspect(value, { depth: 2, breakLength: Infinity });
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 3)}...` : text;
}

function isJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
  } catch {
    return false;
  }
}
