/** Longest value that a message repeats, in characters: a picture as text has millions. */
const LONGEST = 120;

/** A value of the data as a message shows it. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => cut(inner)) ?? 'nothing';
  return text.length <= LONGEST * 2 ? text : `${text.slice(0, LONGEST)}... (${text.length} characters)`;
}

/** Longest name of a file that a message repeats. */
const LONGEST_NAME = 400;

/** The name of a file as a message shows it: the value may be a whole picture by mistake. */
export function quotedName(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST / 2)}... (${name.length} characters)`;
}

/** The error for a path that is a web address, also after path resolution; undefined for a path. */
export function addressFault(path: string): string | undefined {
  if (!/(?:^|[/\\])(?:https?|ftp|s3|gs|hf):[/\\]/i.test(path)) return undefined;
  const why = 'pictures are not fetched from the web, so that a run does not depend on what lies there';
  return `is an address (${quoted(path)}): ${why}; download them and name their paths`;
}

/** JSON has neither bytes nor big whole numbers. */
function cut(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === 'string' && value.length > LONGEST
    ? `${value.slice(0, LONGEST / 2)}... (${value.length} characters)`
    : value;
}
