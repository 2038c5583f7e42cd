/**
 * What UTF-8 and SQLite cannot hold, JSON can: a half of a surrogate pair, and NUL, at which SQLite's texts end here.
 * Such a text would come back from the store as another one, so it is made storable where it comes in.
 */

/** In Unicode mode the two halves of a pair are one character, which does not match. */
const UNSTORABLE = /[\0\p{Surrogate}]/gu;

/** For what people and models read: each such character becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replace(UNSTORABLE, '\ufffd');
}

/**
 * For ids, kinds and the like: each becomes its JSON escape, `\u0000` or `\ud800`, so that different keys stay
 * different.
 */
export function storableKey(key: string): string {
  return key.replace(UNSTORABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
