import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { equivalent, interpret, samePlain } from '../../../src/learn/equivalence/index.ts';

interface Pair {
  readonly a: string;
  readonly b: string;
  readonly class: string;
  readonly truth: boolean;
  readonly math_verify: boolean;
  readonly mathruler: boolean;
  readonly why?: string;
}

const file = new URL('../../fixtures/answers/corpus.jsonl', import.meta.url);
const pairs: Pair[] = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair);
const show = ({ a, b, truth }: Pair): string => `${a} | ${b}: ${truth ? 'the same' : 'different'}`;
const agreement = (verdict: (pair: Pair) => boolean, list = pairs): number =>
  list.filter((pair) => verdict(pair) === pair.truth).length / list.length;
const ours = ({ a, b }: Pair): boolean => equivalent(a, b);

/** Lists drawn up before the grader had seen them; their headers say what it made of them then. */
const blind = ['blind-1', 'blind-2', 'blind-3', 'blind-4', 'blind-5', 'blind-6'].map((name) => {
  const text = readFileSync(new URL(`../../fixtures/answers/${name}.txt`, import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => / ;; [=!]$/.test(line) && !line.startsWith('#'));
  return {
    name,
    pairs: rows.map((line) => {
      const [a = '', b = '', sign] = line.split(' ;; ');
      return { a, b, truth: sign === '=' };
    }),
  };
});

describe.each(blind)('the list $name', ({ pairs: list }) => {
  it('is agreed with on 98 % or more', () => {
    const wrong = list.filter(({ a, b, truth }) => equivalent(a, b) !== truth);
    expect(list.length).toBeGreaterThanOrEqual(100);
    if (wrong.length > 0) console.log(`not as the truth has it:\n${wrong.map(({ a, b }) => `${a} | ${b}`).join('\n')}`);
    expect(wrong.length).toBeLessThanOrEqual(0.02 * list.length);
  });

  it('gets one verdict in both orders, and the plain path never contradicts the full one', () => {
    for (const { a, b } of list) {
      expect([a, b, equivalent(b, a)]).toEqual([a, b, equivalent(a, b)]);
      expect([null, equivalent(a, b)]).toContain(samePlain(interpret(a), interpret(b)));
    }
  });
});

describe('the corpus of answer pairs', () => {
  it('holds 400 pairs or more, with a reason wherever a peer differs from the truth', () => {
    expect(pairs.length).toBeGreaterThanOrEqual(400);
    expect(
      pairs.filter((pair) => !pair.why && (pair.math_verify !== pair.truth || pair.mathruler !== pair.truth)).map(show),
    ).toEqual([]);
  });

  it('is agreed with on 98 % or more, and on more than either peer', () => {
    const wrong = pairs.filter((pair) => ours(pair) !== pair.truth);
    if (wrong.length > 0) console.log(`not as the truth has it:\n${wrong.map(show).join('\n')}`);
    expect(agreement(ours)).toBeGreaterThanOrEqual(0.98);
    expect(agreement(ours)).toBeGreaterThan(agreement((pair) => pair.math_verify));
    expect(agreement(ours)).toBeGreaterThan(agreement((pair) => pair.mathruler));
  });

  it.each([...new Set(pairs.map((pair) => pair.class))])('class %s is agreed with on nine in ten or more', (name) => {
    expect(
      agreement(
        ours,
        pairs.filter((pair) => pair.class === name),
      ),
    ).toBeGreaterThanOrEqual(0.9);
  });

  it('gets one verdict in both orders, and the plain path never contradicts the full one', () => {
    for (const { a, b } of pairs) {
      expect([a, b, equivalent(b, a)]).toEqual([a, b, equivalent(a, b)]);
      expect([null, equivalent(a, b)]).toContain(samePlain(interpret(a), interpret(b)));
    }
  });
});
