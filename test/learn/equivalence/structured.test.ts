import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equivalent } from '../../../src/learn/equivalence/index.ts';
import { pairsOf } from './pairs.ts';

const pairs = pairsOf('structured.jsonl');

describe('what looks like arithmetic and is not', () => {
  it.each(pairs)('$kind: $a | $b', ({ a, b, equal }) =>
    expect([equivalent(a, b), equivalent(b, a)]).toEqual([equal, equal]),
  );

  const whole = fc.integer({ min: 0, max: 3000 });

  it('ranges are equal when both ends are, never when their difference is', () => {
    const spelt = fc.constantFrom('-', ' - ', '–', ' – ');
    fc.assert(
      fc.property(fc.tuple(whole, whole, spelt), fc.tuple(whole, whole, spelt), ([a, b, dash], [c, d, other]) => {
        expect(equivalent(`${a}${dash}${b}`, `${c}${other}${d}`)).toBe(a === c && b === d);
      }),
    );
  });

  it('times of day are equal when hour and minute are', () => {
    const clock = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 10, max: 59 }));
    fc.assert(
      fc.property(clock, clock, ([h, m], [k, n]) => {
        expect(equivalent(`${h}:${m}`, `${k}:${n}`)).toBe(h === k && m === n);
      }),
    );
  });

  it('the case of a prefix matters', () => {
    const units = fc.constantFrom('Pa', 'W', 'V', 'A', 'Hz', 'N', 'J');
    fc.assert(
      fc.property(whole, units, (n, unit) => {
        expect(equivalent(`${n + 1} m${unit}`, `${n + 1} M${unit}`)).toBe(false);
      }),
    );
  });
});
