import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figureTasks } from '../../../src/data/figures/figure.ts';
import { LEVELS } from '../../../src/data/figures/ladder/family.ts';
import { FAMILY_NAMES, ladderQuestion } from '../../../src/data/figures/ladder/table.ts';
import { response } from '../../../src/data/figures/tasks.ts';
import { Random } from '../../../src/data/rng.ts';
import { checkEquations } from '../../../src/learn/checks/equations.ts';
import { checkWhole } from '../../../src/learn/checks/whole.ts';
import { FAULTS, faultyResponse, rightResponse, type Fault } from '../../support/ladder-faults.ts';
import { PROSE } from './prose.ts';

const votesOf = (responses: readonly string[]) => checkWhole(responses).map(({ vote }) => vote);
const equationsOf = (text: string) => checkEquations(text).vote;

const question = fc
  .record({
    family: fc.constantFrom(...FAMILY_NAMES),
    level: fc.integer({ min: 1, max: LEVELS }),
    seed: fc.nat(1_000_000),
  })
  .map(({ family, level, seed }) => ({
    level,
    seed,
    ...ladderQuestion({ family, level }, new Random('scene', seed), new Random('words', seed)),
  }));

describe('work of the ladder', () => {
  it('that is right passes both checks, at every level of every family, alone and among others', () => {
    fc.assert(
      fc.property(question, fc.nat(3), (one, others) => {
        const right = rightResponse(one);
        expect(votesOf([right])).toEqual([true]);
        expect(votesOf([right, ...Array.from({ length: others }, () => right)])[0]).toBe(true);
        expect(equationsOf(right)).toBe(right.includes('=') ? true : null);
      }),
      { numRuns: 2000 },
    );
  });

  /** What each check alone lets through. */
  const LETS_THROUGH: Readonly<Record<Fault, { equations: boolean; whole: boolean }>> = {
    'wrong list': { equations: true, whole: true },
    'short list': { equations: true, whole: true },
    'no list': { equations: true, whole: false },
    'wrong sum': { equations: false, whole: true },
    'stopped early': { equations: true, whole: false },
    'number skipped': { equations: true, whole: false },
    'number twice': { equations: true, whole: false },
    'no last step': { equations: true, whole: false },
    'no work': { equations: true, whole: false },
    'wrong box': { equations: true, whole: false },
    // Where as many others have one.
    constant: { equations: true, whole: true },
  };

  it.each(FAULTS)(
    'with the fault %j passes or fails as documented, where a quarter of the others do it all',
    (fault) => {
      fc.assert(
        fc.property(
          question.filter(({ reading }) => reading.split(' ').length >= 3),
          fc.integer({ min: 1, max: 3 }),
          (one, copies) => {
            const faulty = faultyResponse(one, fault, new Random(one.seed));
            fc.pre(faulty !== null && (fault !== 'constant' || copies > 1));
            const group = [...Array.from({ length: copies }, () => faulty), rightResponse(one)];
            const { equations, whole } = LETS_THROUGH[fault];
            expect(votesOf(group)[0] !== false).toBe(whole);
            expect(equationsOf(faulty) !== false).toBe(equations);
          },
        ),
        { numRuns: 300 },
      );
    },
  );
});

describe('work of the bundled figures', () => {
  it('that is right passes both checks in every way of working it out', () => {
    for (let index = 0; index < 400; index++) {
      for (const task of figureTasks({ rendering: 'plain', pool: 'train', seed: 5, index })) {
        const ways = task.workings.map((working) => response(task, working));
        expect([task.kind, ways, votesOf(ways).filter((vote) => vote === false)]).toEqual([task.kind, ways, []]);
        expect(ways.map(equationsOf).filter((vote) => vote === false)).toEqual([]);
      }
    }
  });
});

describe('work in prose', () => {
  it.each(PROSE)('$response', ({ response: text, equations, whole }) => {
    expect({ equations: equationsOf(text), whole: votesOf([text])[0] }).toEqual({ equations, whole });
  });

  it('in words has no vote only where it is much shorter than the steps of the others', () => {
    const steps = 'The two given angles are 50° and 60°. So the third angle is 180° - 50° - 60° = 70°. \\boxed{70}';
    const words = 'The angles of a triangle add up to 180°, and the other two take 110° of them. \\boxed{70}';
    const bare = 'The answer is \\boxed{70}';
    expect(checkWhole([steps, words, bare])).toEqual([
      { vote: true },
      { vote: null, why: 'its work is in words' },
      { vote: false, why: 'it shows no step, as 1 of the 2 others do' },
    ]);
  });
});

describe('a group', () => {
  it('keeps the votes of work without a step where fewer than a quarter of the others show one', () => {
    const [read, misread] = ['7 \\boxed{7}', '7 1 7+1=8 \\boxed{8}'];
    const votes = (many: number) =>
      votesOf([...Array.from({ length: 8 }, () => read), ...Array.from({ length: many }, () => misread)])[0];
    expect([votes(0), votes(1), votes(2), votes(3)]).toEqual([true, true, true, false]);
  });

  it('abstains of a response that has no answer, or that is too long', () => {
    expect(votesOf(['3 8 3+8=11', `${'1 '.repeat(11_000)}\\boxed{1}`])).toEqual([null, null]);
  });

  it('accepts the largest and the smallest of a list, unless others use all of it', () => {
    const [range, total] = ['3 5 2 5-2=3 \\boxed{3}', '3 5 2 3+5=8 8+2=10 \\boxed{10}'];
    expect(votesOf([range, '3 5 2 \\boxed{5}', range])).toEqual([true, false, true]);
    expect(votesOf([range, range, total])).toEqual([false, false, true]);
  });
});

describe('a number from nowhere in the last step', () => {
  const [plain, more] = ['8 9 8+9=17 \\boxed{17}', '8 9 8+9=17 17-12=5 \\boxed{5}'];

  it('is what the others of a group decide', () => {
    expect(votesOf([more])).toEqual([true]);
    expect(votesOf([more, more, plain])).toEqual([true, true, true]);
    expect(votesOf([more, plain, plain])).toEqual([false, true, true]);
    expect(votesOf([more, plain, more, plain, '\\boxed{5}'])).toEqual([false, true, false, true, false]);
  });
});

describe('a finding', () => {
  /** The bar is where the fault begins. */
  it.each([
    ['3 8 1 3+8=11 |\\boxed{11}', 'it does not use the 1 that it lists'],
    ['3 8 1 3+8=11 |11-2=9 \\boxed{9}', 'it does not use the 1 that it lists'],
    ['3 8 1 3+8=11 11+1=12 |\\boxed{11}', 'its answer is not its last result, 12'],
    ['3 8 1 3+8=11 |9+1=10 \\boxed{10}', 'it does not use its result 11'],
    ['3 8 1 3+8=11 |11+8=19 19+1=20 \\boxed{20}', 'its 8 is neither read nor a result that is left'],
    ['5 +8 -6 5+8=13 |13+6=19 \\boxed{19}', 'its 6 is neither read nor a result that is left'],
    ['3 8 1 3+8=11 11+1=12 |12*0=0 \\boxed{0}', 'its 0 is neither read nor a result that is left'],
    ['<think>5</think>5+3=8 2*7=14 |\\boxed{14}', 'it does not use its result 8'],
    ['3 8 1 |\\boxed{12}', 'it lists numbers and shows no step'],
    ['7 |\\boxed{8}', 'its answer is not the number that it reads'],
    ['The sum is 5 + 7 = 12. |\\boxed{42}', 'no step gives its answer'],
  ])('of %j says why, and where the fault begins', (marked, why) =>
    expect(checkWhole([marked.replace('|', '')])[0]).toMatchObject({
      vote: false,
      why,
      falseFrom: marked.indexOf('|'),
    }),
  );

  it('blames all of a response that does less than the others', () => {
    const right = '3 8 1 3+8=11 11+1=12 \\boxed{12}';
    expect(checkWhole([right, right, '\\boxed{12}', '3+8=11 11+1=12 \\boxed{12}'])).toEqual([
      { vote: true },
      { vote: true },
      { vote: false, why: 'it shows no step, as 3 of the 3 others do' },
      { vote: false, why: 'it does not list what it reads, as 2 of the 3 others do' },
    ]);
  });
});
