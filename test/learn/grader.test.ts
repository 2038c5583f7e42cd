import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { equivalent } from '../../src/learn/equivalence/index.ts';
import { Grader } from '../../src/learn/grader.ts';

const grader = new Grader({ deadlineSeconds: 10 });
afterAll(() => grader[Symbol.asyncDispose]());

describe('Grader', () => {
  it('numbers the classes by first appearance', async () => {
    expect(await grader.classify(['\\sqrt{12}', null, '1/2', '2\\sqrt{3}', '0.5', '7', '50\\%'])).toEqual([0, -1, 1, 0, 1, 2, 1]);
    expect(await grader.classify([])).toEqual([]);
    expect(await grader.classify([null, null])).toEqual([-1, -1]);
  });

  it('leaves the thread alone for plain answers', async () => {
    await using plain = new Grader({ deadlineSeconds: 1, worker: new URL('file:///none') });
    expect(await plain.classify(['22', '22.0', '21', '\\frac{44}{2}', 'B', '(B)', '12 cm', 'x = 21', '1,000'])).toEqual([0, 0, 1, 0, 2, 2, 3, 1, 4]);
    expect(plain.counts).toMatchObject({ worker: 0, timeouts: 0, crashes: 0 });
  });

  it('gives the same partition whatever the order', async () => {
    const answers = ['12', '12 cm', '12 m', '0.5', '50\\%', '\\frac12', 'B', '(B) 7', '7', '\\sqrt{2}', '\\sqrt{8}/2', '3'];
    const together = (order: readonly string[], classes: readonly number[]): string[] =>
      order.flatMap((a, i) => order.flatMap((b, j) => (a < b && classes[i] === classes[j] ? [`${a} ~ ${b}`] : []))).sort();
    const wanted = together(answers, await grader.classify(answers));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(answers, { minLength: answers.length }), async (order) => {
        expect(together(order, await grader.classify(order))).toEqual(wanted);
      }),
      { numRuns: 10 },
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
