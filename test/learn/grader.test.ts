import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { equivalent } from '../../src/learn/equivalence/index.ts';
import { Grader } from '../../src/learn/grader.ts';

const grader = new Grader({ deadlineSeconds: 10 });
afterAll(() => grader[Symbol.asyncDispose]());

/** The texts of each class, in an order of their own. */
const group = (classes: Readonly<Record<string, number>>): string[] => {
  const textsOf = (each: number) => Object.keys(classes).filter((text) => classes[text] === each);
  return [...new Set(Object.values(classes))].map((each) => JSON.stringify(textsOf(each).sort())).sort();
};

describe('Grader', () => {
  it('numbers the classes by first appearance', async () => {
    expect(await grader.classify(['\\sqrt{12}', null, '1/2', '2\\sqrt{3}', '0.5', '7', '50\\%'])).toEqual([
      0, -1, 1, 0, 1, 2, 1,
    ]);
    expect(await grader.classify([])).toEqual([]);
    expect(await grader.classify([null, null])).toEqual([-1, -1]);
  });

  it('leaves the thread alone for plain answers', async () => {
    await using plain = new Grader({ deadlineSeconds: 1, worker: new URL('file:///none') });
    expect(await plain.classify(['22', '22.0', '21', '\\frac{44}{2}', 'B', '(B)', '12 cm', 'x = 21', '1,000'])).toEqual(
      [0, 0, 1, 0, 2, 2, 3, 1, 4],
    );
    expect(plain.counts).toMatchObject({ worker: 0, timeouts: 0, crashes: 0 });
  });

  const classified = async (
    counts: Readonly<Record<string, number>>,
    order = Object.keys(counts),
  ): Promise<Record<string, number>> => {
    const answers = order.flatMap((text) => Array.from({ length: counts[text] ?? 0 }, () => text));
    const classes = await grader.classify(answers);
    return Object.fromEntries(answers.map((text, i) => [text, classes[i] ?? NaN]));
  };

  it.each<[Readonly<Record<string, number>>, readonly (readonly string[])[]]>([
    [{ '12 cm': 5, '12 m': 4, 12: 1 }, [['12 cm', '12'], ['12 m']]],
    [{ 0.5: 6, 50: 3, '50\\%': 1 }, [['0.5', '50\\%'], ['50']]],
    [{ '50\\%': 6, 50: 2, 0.5: 2 }, [['50\\%', '50'], ['0.5']]],
    [{ 12: 6, '12 m': 2, '12 cm': 2 }, [['12', '12 m'], ['12 cm']]],
    [{ 12: 1, '12 cm': 5, '120 mm': 2 }, [['12', '12 cm', '120 mm']]],
    [{ '12 m': 4, 12: 3, '12 cm': 3, '120 mm': 2 }, [['12', '12 cm', '120 mm'], ['12 m']]],
    [{ B: 3, '(B) 7': 2, 7: 4 }, [['7', '(B) 7'], ['B']]],
    [{ '3 am': 2, '3:00': 4, '3 pm': 1 }, [['3 am', '3:00'], ['3 pm']]],
    [{ 12: 3, '12 cm': 2 }, [['12', '12 cm']]],
  ])('an ambiguous answer joins the larger class: %j', async (counts, wanted) => {
    const classes = await classified(counts);
    expect(group(classes)).toEqual(
      group(Object.fromEntries(wanted.flatMap((texts, i) => texts.map((text) => [text, i])))),
    );
  });

  const pool = [
    '12',
    '12 cm',
    '120 mm',
    '12 m',
    '0.5',
    '50\\%',
    '50',
    '\\frac12',
    'B',
    '(B) 7',
    '7',
    '3:00',
    '3 pm',
    '3 am',
    '\\sqrt{2}',
    '\\sqrt{8}/2',
  ];
  const votes = fc.uniqueArray(fc.tuple(fc.constantFrom(...pool), fc.integer({ min: 1, max: 6 })), {
    selector: ([text]) => text,
    maxLength: 8,
  });

  it('never puts two answers that differ into one class, unless one more fits both', async () => {
    await fc.assert(
      fc.asyncProperty(votes, async (list) => {
        const classes = await classified(Object.fromEntries(list));
        for (const texts of group(classes).map((each) => JSON.parse(each) as string[])) {
          const differ = texts.flatMap((a) =>
            texts.filter((b) => a < b && !equivalent(a, b)).map((b) => [a, b] as const),
          );
          for (const [a, b] of differ)
            expect([a, b, texts.filter((c) => equivalent(a, c) && equivalent(b, c))]).not.toEqual([a, b, []]);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same classes whatever the order, where no two have as many votes', async () => {
    const powers = (list: readonly (readonly [string, number])[]) =>
      Object.fromEntries(list.map(([text], i) => [text, 2 ** i]));
    const shuffled = votes
      .map((list) => list.slice(0, 5))
      .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })));
    await fc.assert(
      fc.asyncProperty(shuffled, async ([list, other]) => {
        const counts = powers(list);
        expect(
          group(
            await classified(
              counts,
              other.map(([text]) => text),
            ),
          ),
        ).toEqual(group(await classified(counts)));
      }),
      { numRuns: 40 },
    );
  });

  it('counts a pair past its deadline as different and replaces the thread', async () => {
    await using hanging = new Grader({ deadlineSeconds: 0.2, worker: new URL('./hanging-worker.ts', import.meta.url) });
    expect(await hanging.equivalent('h x', '\\sqrt{2}x')).toBe(false);
    expect(await hanging.equivalent('\\sqrt{3}', '\\sqrt{5}')).toBe(true);
    expect(await hanging.equivalent('\\sqrt{d}', '\\sqrt{5}')).toBe(false);
    expect(await hanging.equivalent('\\sqrt{3}', '\\sqrt{5}')).toBe(true);
    expect(hanging.counts).toEqual({ plain: 0, worker: 2, timeouts: 1, crashes: 1 });
  });

  it('says so when the thread cannot start, and when it is closed', async () => {
    const broken = new Grader({ deadlineSeconds: 1, worker: new URL('file:///none.js') });
    await expect(broken.equivalent('\\sqrt{2}', 'x')).rejects.toThrow('did not start');
    await broken[Symbol.asyncDispose]();
    await expect(broken.equivalent('\\sqrt{2}', 'x')).rejects.toThrow('closed');
  });
});

describe('adversarial answers', () => {
  const n = 480;
  const repeated = [
    '(',
    '{',
    '\\frac{',
    '\\sqrt{',
    '\\sqrt',
    '^',
    'x^',
    '-',
    '9',
    '\\text{',
    '1,',
    '(1,',
    'a ',
    '1 ',
    '12 cm ',
    'x=',
    '<',
    '|',
    '|x',
    '%',
    '°',
    '$',
    '\\pm',
    '1:',
    'A.',
    'sin',
    '\\sin',
    'x_',
    '√',
    '½',
    '!',
    '\\frac12',
    'e^',
    'a or ',
    '5!',
  ];
  const answers = [
    '10^10^10',
    '10^{10^{10^{10}}}',
    '\\binom{1000000000}{500000000}',
    '999999999!',
    '9!!!!!!!!!',
    '1e999999',
    '2^{-100000000}',
    '1/0',
    '0^0',
    '0^{-1}',

    '(x+1)^{1000000}',
    '(x+1)^{x^{x^x}}',
    '__proto__',
    'constructor',
    '\\constructor{x}',
    '\\hasOwnProperty',
    '\ud800',
    '\u0000',
    ...repeated.map((piece) => piece.repeat(Math.floor(n / piece.length))),
    ...repeated.map((piece) => `${piece.repeat(1000)}1`),
  ];

  it('neither hang nor throw nor agree with what they are not', () => {
    for (const a of answers) {
      const start = process.cpuUsage();
      expect([a, equivalent(a, a)]).toEqual([a, true]);
      expect([a, equivalent(a, '17')]).toEqual([a, false]);
      expect([a, equivalent('x+17', a)]).toEqual([a, false]);
      expect(process.cpuUsage(start).user).toBeLessThan(1e6);
    }
  });

  it('leave the memory as it was', () => {
    const before = process.memoryUsage().heapUsed;
    for (const a of answers) for (const b of answers.slice(0, 20)) equivalent(a, b);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 * 2 ** 20);
  });
});
