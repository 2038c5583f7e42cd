import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { extractAnswer } from '../../src/learn/answer.ts';

describe('extractAnswer', () => {
  it.each<[string, string | null]>([
    ['7+4=11 2*11=22 \\boxed{22}', '22'],
    ['\\boxed{1} no, \\boxed{2}', '2'],
    ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
    ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
    ['\\boxed 5', '5'],
    ['$\\boxed5$', '5'],
    ['\\boxed 5.', '5'],
    ['\\fbox{7}', '7'],
    ['\\boxed{\\boxed{7}}', '7'],
    ['\\boxed{x = \\fbox{7}}', 'x = \\fbox{7}'],
    ['\\boxed { 12\\text{ cm} }', '12\\text{ cm}'],
    ['<answer>4</answer>', '4'],
    ['<answer>3</answer><answer> 4 </answer>', '4'],
    ['<answer>so \\boxed{4}</answer>', '4'],
    ['the box comes first \\boxed{5} <answer>4</answer>', '5'],
    ['<Answer >4</ANSWER >', '4'],
    ['**\\boxed{5}**', '5'],
    ['$\\boxed{5}$.', '5'],
    ['\\boxed{$5$}', '$5$'],
    ['\\boxed{\\text{B}}', '\\text{B}'],
    ['\\boxed{\\text{(B) } \\frac{1}{2}}', '\\text{(B) } \\frac{1}{2}'],
    ['\\boxed\n{\n5\n}', '5'],
    ['\\boxed{\\left\\{1, 2\\right\\}}', '\\left\\{1, 2\\right\\}'],
    ['\\boxed{5} \\boxed', null],
    ['\\boxed{5', null],
    ['\\boxed\\frac12', '\\frac12'],
    ['$\\boxed \\frac{1}{2}$', '\\frac{1}{2}'],
    ['\\boxed{12}{13}', '12'],
    ['<think>\\boxed{3}, or rather 4</think><answer>4</answer>', '4'],
    ['<think>\\boxed{3}</think> <answer>\\boxed{4}</answer>', '4'],
    ['<think>\\boxed{3}</think> so \\boxed{', null],
    ['<think>so \\boxed{3}</think> as said', '3'],
    ['<answer>5', null],
    ['the answer is 5', null],
    ['', null],
    ['\\boxed{}', null],
    ['\\boxed{ }', null],
    ['\\boxed{1} then \\boxed{}', null],
    ['\\boxed{1} then cut off \\boxed{22', null],
    ['<answer></answer>', null],
    ['\\boxedx{5}', null],
  ])('%s -> %s', (response, answer) => expect(extractAnswer(response)).toBe(answer));

  const silent = [
    '.',
    '...',
    '…',
    '?',
    '???',
    '-',
    '--',
    '—',
    ',',
    ';',
    '**',
    '___',
    '()',
    '[ ]',
    '{}',
    '$$',
    '\\( \\)',
    '\\%',
    '\\$',
    '~',
    '\u200b',
    '.'.repeat(5000),

    '\\dots',
    '\\ldots',
    '\\cdots',
    '\\text{...}',
    '\\_\\_\\_',
    '\\underline{\\quad}',
    '\\text{ }',
    '\\,',
    '\\hspace{2cm}',
    '\\boxed{}',
    '□',
    '\\square',

    'answer',
    '[answer]',
    'ANSWER HERE',
    'the answer',
    'your answer',
    '\\text{your answer here}',
    '\\textbf{Your final answer}',
    'insert answer here',
    'XXX',

    'number',
    'letter',
    '\\mathrm{Answer}',
    '<your answer>',
  ];
  it.each(silent)('%j says nothing', (text) =>
    expect(extractAnswer(`\\boxed{1}, that is \\boxed{${text}}`)).toBeNull(),
  );

  const said = [
    '+',
    '>',
    '=',
    '\\{\\}',
    '\\emptyset',
    '0',
    'x',
    'A',
    '-1',
    '\\times',
    '√',
    '\\infty',
    '\\%5',
    'no',
    'none',
    'N/A',
    '一',
    '♥',
  ];
  const words = [
    'left',
    '\\text{left}',
    'square',
    '\\text{square}',
    'Box',
    'the number 5',
    'number line',
    'a',
    'this',
    '5 answers',
  ];
  it.each([...said, ...words])('%j is an answer', (text) => expect(extractAnswer(`\\boxed{${text}}`)).toBe(text));

  it('finds any balanced content, wherever it stands', () => {
    const leaf = fc.string({ unit: fc.constantFrom(...'ab1+-/ '), minLength: 1, maxLength: 6 });
    const content = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.tuple(leaf, tie('node')).map(([a, b]) => `${a}{${b}}`),
      ),
    })).node;
    fc.assert(
      fc.property(content, leaf, leaf, (inner, before, after) => {
        expect(extractAnswer(`${before}\\boxed{${inner}}${after}`)).toBe(
          /[a-z0-9+]/i.test(inner) ? inner.trim() : null,
        );
      }),
    );
  });

  it('is quick on any text', () => {
    for (const piece of ['\\boxed{', '\\boxed ', '<answer>', '{', '\\boxed{1}', '\\']) {
      const start = performance.now();
      extractAnswer(piece.repeat(10_000));
      expect(performance.now() - start).toBeLessThan(1000);
    }
  });
});
