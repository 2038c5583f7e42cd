/** Longest value that a message repeats, in characters: a picture as text has millions. */
const LONGEST = 120;

/** A value of the data as a message shows it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => cut(inner)) ?? 'nothing';
  return text.length <= LONGEST * 2 ? text : `${text.slice(0, LONGEST)}... (${text.length} characters)`;
}

/** JSON knows neither bytes nor big whole numbers. */
function cut(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'string' && value.length > LONGEST ? `${value.slice(0, LONGEST / 2)}... (${value.length} characters)` : value;
}
