import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equivalent, interpret, samePlain } from '../../../src/learn/equivalence/index.ts';
import { pairsOf } from './pairs.ts';

const pairs = pairsOf('text-like.jsonl');
const kinds = [...new Set(pairs.map(({ kind }) => kind))];

describe('answers that are text more than mathematics', () => {
  it.each(kinds)('%s', (name) => {
    const wrong = pairs.filter(
      ({ a, b, equal, kind }) => kind === name && (equivalent(a, b) !== equal || equivalent(b, a) !== equal),
    );
    expect(wrong).toEqual([]);
  });

  it('the plain path never contradicts the full one', () => {
    for (const { a, b, equal } of pairs) expect([null, equal]).toContain(samePlain(interpret(a), interpret(b)));
  });

  /** First digit of a row of ten. */
  const zeros = fc.constantFrom('٠', '۰', '०', '০', '０', '𝟎', '𝟘', '𝟬', '๐', '᠐');
  const invisible = fc.constantFrom('\u200b', '\u200e', '\u2060', '\ufeff', '\u00ad', '\ufe0f');

  it('a whole number is the same in the digits of every script, whatever invisible characters are in it', () => {
    fc.assert(
      fc.property(fc.nat(99_999), fc.nat(99_999), zeros, invisible, (n, other, zero, joiner) => {
        const typed = [...String(n)]
          .map((digit) => String.fromCodePoint((zero.codePointAt(0) ?? 0) + Number(digit)))
          .join(joiner);
        expect(equivalent(typed, String(n))).toBe(true);
        expect(equivalent(typed, String(other))).toBe(n === other);
      }),
    );
  });
});
