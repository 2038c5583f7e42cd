import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formProblem, isDuplicate, questionText, similarity } from '../../src/learn/synthetic.ts';

const options = { maxWords: 40, duplicateSimilarity: 0.8 };

describe('questionText', () => {
  it.each([
    ['What is the area?', 'What is the area?'],
    ['  What is\nthe area? ', 'What is the area?'],
    ['"What is the area?"', 'What is the area?'],
    ['Question: What is the area?', 'What is the area?'],
    ['New question: How tall is it?', 'How tall is it?'],
    ['1. How tall is it?', 'How tall is it?'],
    ['Question 2: "How tall is it?"', 'How tall is it?'],
    ['2 discs and how many squares?', '2 discs and how many squares?'],
  ])('%j is %j', (written, text) => expect(questionText(written)).toBe(text));
});

describe('formProblem', () => {
  it.each([
    ['What is the area?', undefined],
    ['图中有多少个 圆？', undefined],
    ['What is the area', 'malformed'],
    ['Area?', 'malformed'],
    ['', 'malformed'],
    ['22?', 'malformed'],
    ['What is the area? What is the sum?', 'malformed'],
    ['the the the the area?', 'malformed'],
    ['What is \\boxed{4}?', 'malformed'],
    ['What is <|im_end|> the area?', 'malformed'],
    ['<image> what is the area?', 'malformed'],
    [`What ${'very '.repeat(1)}${Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ')}?`, 'malformed'],
  ])('%j: %s', (text, problem) => expect(formProblem(text, 'stop', options)).toBe(problem));

  it('takes nothing that was cut off', () => {
    expect(formProblem('What is the area?', 'length', options)).toBe('unfinished');
    expect(formProblem('What is the area?', 'cancelled', options)).toBe('unfinished');
  });
});

describe('similarity', () => {
  const text = fc
    .array(fc.constantFrom('what', 'is', 'the', 'area', 'sum', 'of', 'sides'), { maxLength: 8 })
    .map((all) => all.join(' '));

  it('is symmetric, in [0, 1], and 1 for the same words', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(similarity(a, b)).toBe(similarity(b, a));
        expect(similarity(a, b)).toBeGreaterThanOrEqual(0);
        expect(similarity(a, b)).toBeLessThanOrEqual(1);
        expect(similarity(a, `  ${a.toUpperCase()}?`)).toBe(1);
      }),
    );
  });

  it('finds near-duplicates of the seed and of others', () => {
    const seeds = ['What is the sum of the sides of the rectangle in the picture?'];
    expect(isDuplicate('what is the sum of the sides of the rectangle in the picture', seeds, options)).toBe(true);
    expect(isDuplicate('What is the sum of all the sides of the rectangle in the picture?', seeds, options)).toBe(true);
    expect(isDuplicate('What is the product of the sides of the triangle in the picture?', seeds, options)).toBe(false);
    expect(isDuplicate('What is the area?', seeds, options)).toBe(false);
    expect(isDuplicate('What is the area?', [], options)).toBe(false);
  });
});
