/**
 * JSON can hold two things that UTF-8 and SQLite cannot: half of a surrogate pair, and NUL, which ends a text in
 * SQLite. The store would return such a text changed, so each entry point makes texts storable first.
 */

/** In Unicode mode the two halves of a pair are one character, which does not match. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu;

/** For texts that people and models read: each such character becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd');
}

/** For ids and kinds: each becomes its JSON escape, `\u0000` or `\ud800`, so that different keys stay different. */
export function storableKey(key: string): string {
  return key.replace(UNSTORABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
