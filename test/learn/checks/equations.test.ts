import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkEquations } from '../../../src/learn/checks/equations.ts';

const voteOf = (response: string): boolean | null => checkEquations(response).vote;

const TRUE = [
  // Plain, and in a sentence.
  '3 8 1 3+8=11 11+1=12 \\boxed{12}',
  '5 +8 -6 5+8=13 13-6=7 \\boxed{7}',
  'so 3 × 4 = 12 cm',
  'The sum is 3 plus 4 equals 7',
  '3 times 4 + 1 = 13',
  '1. 3 + 4 = 7\n2. 7 × 2 = 14',
  '1) 3 + 4 = 7',
  '(1) 3 + 4 = 7',
  'Step 1 3 + 4 = 7',
  '- 3 + 4 = 7\n- **5 x 6 = 30**',
  '3+4 == 7',
  '3 + 4\n= 7',
  '3 + 4 = 7!',
  'x=3 => 3+4=7',
  '(since 3+4=7)',
  '\\boxed{3+4=7}',
  '3 × 4 = \\boxed{12}',
  // Signs.
  '10 − 3 = 7',
  '10 – 3 = 7',
  '7 - 10 = - 3',
  '5 × -3 = -15',
  '2(3 + 4) = 2(7) = 14',
  '3 x 4 = 12',
  '2**3 = 8',
  // Chains.
  '2+3=1+4=5',
  'x = 15 - 7 = 8',
  'f(2) = 2(2) + 1 = 5',
  'x + 5 = 12, so x = 12 - 5 = 7',
  '\\begin{align} A &= 3 \\times 4 \\\\ &= 12 \\end{align}',
  '\\sqrt{3^2+4^2} = \\sqrt{9+16} = \\sqrt{25} = 5',
  // Fractions, rounded and not.
  '\\frac{1}{3}=0.33',
  '1/3 = 0.333',
  '1/3=0.333...',
  '2/3=0.67',
  '2/3=0.66',
  '2/3 = 0.\\overline{6}',
  '0.1 + 0.2 = 0.3',
  '2 \\frac{1}{2} + 1 = 3.5',
  '10/3 ≈ 3',
  '12345 / 1 \\approx 1.23 \\times 10^4',
  '24.7 × 48 ≈ 1200',
  // Percentages.
  '20% of 50 = 10',
  '\\frac{1}{4} of 80 = 20',
  '25% + 30% = 55%',
  '50/200 × 100 = 25%',
  '50/200 = 25\\%',
  // Units.
  '$$12 \\cdot 2 = 24$$',
  '3 apples + 4 apples = 7 apples',
  '60 km/h × 2 h = 120 km',
  '5 m * 4 m = 20 m^2',
  '3 × 50 cm = 150 cm = 1.5 m',
  '4 × 30 minutes = 120 minutes = 2 hours',
  '\\frac{1}{2} \\times 6 \\text{ cm} \\times 8 \\text{ cm} = 24 \\text{ cm}^2.',
  '1,200 + 300 = 1{,}500',
  '$5 + $3 = $8',
  '180^\\circ - 60^\\circ - 40^{\\circ} = 80°',
  // Roots, powers, functions.
  '√16 = 4',
  '√(9+16) = 5',
  '2√3 ≈ 3.46',
  '\\sqrt{2}=1.41',
  '2³ + 10² = 108',
  '5 squared + 3 = 28',
  '5! = 120',
  'log_2 8 = 3',
  '10 × sin 30° = 5',
  '\\tan^{-1}(1) = 45^\\circ',
  'A = πr² = π × 5² = 25π ≈ 78.54 cm²',
  '\\pi \\times 5^2 = 78.5',
  '2 × 3.14 × 5 = 31.4',
];

const FALSE = [
  '3 8 1 3+8=12 12+1=13 \\boxed{13}',
  'so 3 × 4 = 13 cm',
  '2+3=5+1=6',
  '\\frac{1}{3}=0.34',
  '1/8=0.11',
  '1/2=0.4',
  '10/3 = 3',
  '$$12 \\cdot 2 = 25$$',
  '3 apples + 4 apples = 8 apples',
  '1/4 of 80 = 21',
  '50/200=26%',
  '\\$5 + \\$3 = \\$9',
  '180^\\circ - 60^\\circ = 110^\\circ',
  '\\sqrt{3^2+4^2} = \\sqrt{9+16} = \\sqrt{25} = 6',
  '\\begin{align} A &= 3 \\times 4 \\\\ &= 13 \\end{align}',
  'π × 5² ≈ 80.5',
  '\\sin 30^\\circ = 0.6',
  '2(3+4)=15',
  '5 × (-3) = 15',
  '3 × 4 = \\boxed{13}',
  '3 + 4 = 7 and 7 + 1 = 9',
  '999 × 999 = 998,002',
];

const ABSTAINS = [
  '',
  'x = 5',
  '2x + 3 = 11',
  'AB = 7 and ∠1 + 50° = 90°',
  'angle 1 = 50°',
  'angle 1 + angle 2 = 90',
  '1:2 = 3:6',
  '(2, 3) = 5',
  '3 + 4 ≠ 8',
  'Is 3+4=8?',
  '3+4=8 is wrong',
  'It is not 3+4=8',
  'half of 8 + 2 = 6',
  '17 ÷ 5 = 3 remainder 2',
  '2 × 500 = 1 thousand',
  '2 m × 50 cm = 1 m²',
  '90 / 60 = 1 hour 30 minutes',
  '200 + 10% = 220',
  '|−5| + 1 = 7',
  '1/0 = 5',
  '9^9^9^9 = 3',
  '999999999! = 3',
];

describe('checkEquations', () => {
  it.each(TRUE)('finds no fault in %j', (response) => expect(voteOf(response)).toBe(true));
  it.each(FALSE)('finds the fault in %j', (response) => expect(voteOf(response)).toBe(false));
  it.each(ABSTAINS)('abstains of %j', (response) => expect(voteOf(response)).toBeNull());

  it('names the first step that is false, and what it should be', () => {
    expect(checkEquations('First 3 + 8 = 12 cm, then 12 + 1 = 14 cm. \\boxed{14}')).toEqual({
      vote: false,
      why: '3 + 8 is 11, not 12 cm',
      step: '3 + 8 = 12 cm',
      falseFrom: 'First '.length,
    });
  });

  it.each([
    '3 8 1 3+8=11 |11+1=13 13+1=15 \\boxed{15}',
    '<think>3 + 3 = 7</think>So 3 + 4 = 7 and |7 + 2 = 10. \\boxed{10}',
    'A = 2 + 3 = 5, and 1 + 4 = |2 + 3 = 6. \\boxed{6}',
  ])('says where the false equation begins in %j', (marked) => {
    expect(checkEquations(marked.replace('|', ''))).toMatchObject({ vote: false, falseFrom: marked.indexOf('|') });
  });

  it('says that no part of a response is false whose equations are true', () => {
    expect(checkEquations('3 8 3+8=11 \\boxed{11}')).toEqual({ vote: true });
  });

  const number = fc.integer({ min: 0, max: 10_000 });
  const written = fc.record({
    sign: fc.constantFrom(
      ['+', '+'],
      ['-', '−'],
      ['-', '-'],
      ['*', '×'],
      ['*', '\\times'],
      ['*', '\\cdot'],
      ['*', '*'],
    ),
    before: fc.constantFrom('', 'So ', '$', '\\[', 'Area: ', '3 8 1 ', '= '),
    after: fc.constantFrom('', ' cm', '.', '$', '\\]', ', so', ' 5+1=6', '\n'),
  });

  it('agrees with arithmetic, however an equation is written', () => {
    fc.assert(
      fc.property(number, number, fc.integer({ min: -3, max: 3 }), written, (a, b, off, { sign, before, after }) => {
        const [operator, sign_] = sign;
        const right = (operator === '+' ? a + b : operator === '-' ? a - b : a * b) + off;
        expect(voteOf(`${before}${a} ${sign_} ${b} = ${right}${after}`)).toBe(off === 0);
      }),
    );
  });

  it('takes a quotient to the digits that are written, and no other', () => {
    fc.assert(
      fc.property(number, fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 6 }), (a, b, places) => {
        const rounded = (a / b).toFixed(places);
        const other = (a / b + 2.5 * 10 ** -places).toFixed(places);
        expect(voteOf(`${a}/${b}=${rounded}`)).toBe(true);
        expect(voteOf(`\\frac{${a}}{${b}} = ${other}`)).toBe(false);
      }),
    );
  });

  it('ends, and throws nothing, whatever a response holds', () => {
    const pieces = fc.constantFrom(
      ...'0 1 12 3.5 + - * / ^ = ≈ ( ) [ ] { } \\frac \\sqrt \\boxed{ \\text{ \\\\ $ % ° ² ! x cm π sin , . : ; ? and | ± é 漢'.split(
        ' ',
      ),
      ' ',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        expect([true, false, null]).toContain(voteOf(parts.join('')));
      }),
      { numRuns: 2000 },
    );
  });

  it('reads no response of more than 20 000 characters', () => {
    expect(checkEquations('1+1=3 '.repeat(4_000))).toEqual({ vote: null, why: 'it is too long to read' });
  });
});
