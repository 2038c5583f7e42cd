/** Splitting text at its top level: outside every kind of bracket. */

const OPEN = '([{';
const CLOSE = ')]}';
/** More parts than this is not an answer. */
const MAX_PARTS = 64;

/**
 * For each character, how many brackets are open around it. Half-open intervals mix the kinds, so kinds are not
 * matched.
 */
function depths(text: string): number[] {
  let depth = 0;
  return Array.from(text, (char) => {
    if (OPEN.includes(char)) return depth++;
    if (CLOSE.includes(char)) return --depth;
    return depth;
  });
}

/**
 * The parts between top-level matches of `separator` (a global pattern); null when there is none or brackets do not
 * balance.
 */
export function splitTop(text: string, separator: RegExp): { parts: string[]; separators: string[] } | null {
  const level = depths(text);
  const parts: string[] = [];
  const separators: string[] = [];
  let start = 0;
  for (const match of text.matchAll(separator)) {
    if (level[match.index] !== 0 || match.index < start) continue;
    parts.push(text.slice(start, match.index).trim());
    separators.push(match[0].trim());
    start = match.index + match[0].length;
    if (parts.length > MAX_PARTS) return null;
  }
  if (separators.length === 0) return null;
  parts.push(text.slice(start).trim());
  return { parts, separators };
}

/** The brackets around the whole text and what is inside; null without brackets. `\{` counts. */
export function enclosed(text: string): { open: string; close: string; inner: string } | null {
  const match = /^(\\\{|[([{])(.*?)(\\\}|[)\]}])$/s.exec(text);
  if (!match) return null;
  const [, open = '', inner = '', close = ''] = match;
  const level = depths(inner);
  if (level.some((depth) => depth < 0)) return null;
  const bare = (bracket: string): string => bracket.replace('\\', '');
  return { open: bare(open), close: bare(close), inner: inner.trim() };
}
