import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equivalent, interpret, samePlain } from '../../../src/learn/equivalence/index.ts';

const whole = fc.integer({ min: -9999, max: 9999 });
const natural = fc.integer({ min: 1, max: 999 });
const term = fc.oneof(
  whole.map(String),
  fc.tuple(whole, natural).map(([n, d]) => `\\frac{${n}}{${d}}`),
  fc.tuple(whole, natural).map(([n, d]) => `${n}.${d}`),
  natural.map((n) => `\\sqrt{${n}}`),
  fc.constantFrom(
    '\\pi',
    'x',
    '2x',
    'x^2',
    'A',
    '(B)',
    'yes',
    'blue',
    '50\\%',
    '\\$12',
    '30^\\circ',
    '12\\text{ cm}',
    '5 m/s',
    '3:00',
    '1:2',
  ),
);
const answer = fc.oneof(
  term,
  fc.tuple(term, term).map(([a, b]) => `(${a}, ${b})`),
  fc.tuple(term, term).map(([a, b]) => `${a}, ${b}`),
  fc.tuple(term, term).map(([a, b]) => `\\{${a}, ${b}\\}`),
  fc.tuple(term, term).map(([a, b]) => `${a}+${b}`),
  term.map((a) => `x = ${a}`),
);
/** Pieces of LaTeX in any order: mostly nonsense. */
const nonsense = fc
  .array(
    fc.constantFrom(
      '\\frac',
      '{',
      '}',
      '(',
      ')',
      '[',
      '|',
      '^',
      '_',
      '\\sqrt',
      '!',
      '1',
      '23',
      '.',
      ',',
      'x',
      '\\pi',
      '+',
      '-',
      '=',
      '<',
      ':',
      ' ',
      '\\text{',
      '\\pm',
      '%',
      '°',
      '$',
      'cm',
      '\\binom',
      '\\cup',
      '\\infty',
      '\\begin{pmatrix}',
      '&',
      '\\\\',
    ),
    { maxLength: 60 },
  )
  .map((parts) => parts.join(''));

describe('equivalence', () => {
  it('is reflexive and symmetric', () => {
    fc.assert(
      fc.property(answer, answer, (a, b) => {
        expect(equivalent(a, a)).toBe(true);
        expect(equivalent(a, b)).toBe(equivalent(b, a));
      }),
      { numRuns: 300 },
    );
  });

  it('answers any text, both ways the same, and no plain verdict differs', () => {
    const any = fc.oneof(nonsense, fc.string({ maxLength: 80 }), answer);
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(equivalent(a, a)).toBe(true);
        expect(equivalent(b, a)).toBe(equivalent(a, b));
        expect([null, equivalent(a, b)]).toContain(samePlain(interpret(a), interpret(b)));
      }),
      { numRuns: 400 },
    );
  });

  it('knows a rational number in every spelling', () => {
    fc.assert(
      fc.property(whole, natural, natural, (n, d, k) => {
        const spellings = [
          `${n}/${d}`,
          `\\frac{${n}}{${d}}`,
          `\\dfrac{${n * k}}{${d * k}}`,
          `${n}\\div${d}`,
          `-\\frac{${-n}}{${d}}`,
          `x = ${n}/${d}`,
        ];
        for (const spelling of spellings)
          expect([spelling, samePlain(interpret(`${n}/${d}`), interpret(spelling))]).toEqual([spelling, true]);
        expect(equivalent(`${n}/${d}`, `${n * k + 1}/${d * k}`)).toBe(false);
      }),
    );
  });

  it('has decimals, fractions and percentages agree exactly: 1/2 = 0.5 = \\frac12 = 50%', () => {
    fc.assert(
      fc.property(fc.integer({ min: -100_000, max: 100_000 }), (n) => {
        const [sign, size] = [n < 0 ? '-' : '', Math.abs(n)];
        const decimal = `${sign}${Math.floor(size / 1000)}.${String(size % 1000).padStart(3, '0')}`;
        const percent = `${sign}${Math.floor(size / 10)}.${size % 10}\\%`;
        for (const other of [`\\frac{${n}}{1000}`, percent, `${n}e-3`, `${n} \\times 10^{-3}`])
          expect([other, equivalent(decimal, other)]).toEqual([other, true]);
      }),
    );
  });

  it('does not read a thousands separator into a wrong number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 10 ** 12 }), (n) => {
        expect(equivalent(String(n), n.toLocaleString('en-US'))).toBe(true);
        expect(equivalent(String(n), String(n + 1))).toBe(false);
      }),
    );
  });

  it('is transitive on numbers', () => {
    const number = fc.oneof(
      fc.integer({ min: 0, max: 6 }).map(String),
      fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 4 })).map(([n, d]) => `${n}/${d}`),
      fc.constantFrom('0.5', '1.5', '\\sqrt{4}', '\\sqrt{9}/2'),
    );
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        if (equivalent(a, b) && equivalent(b, c)) expect(equivalent(a, c)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
