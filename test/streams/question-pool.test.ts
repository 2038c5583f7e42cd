import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Question } from '../../src/protocol/messages.ts';
import { QuestionPool } from '../../streams/question-pool.ts';

const question = (n: number): Question => ({
  id: `q${n}`,
  text: `What is ${n}?`,
  pictures: [{ type: 'figure', key: `plain/train/0/${n % 3}` }],
  origin: 'direct',
});

describe('QuestionPool', () => {
  it('asks the least asked first, of those the oldest, and none twice at once', () => {
    const pool = new QuestionPool([{ question: question(0), uses: 1 }], { capacity: 8, maxUses: 3 });
    pool.add(question(1));
    pool.add(question(2));
    expect(pool.take(2).map(({ question: { id }, uses }) => [id, uses])).toEqual([
      ['q1', 1],
      ['q2', 1],
    ]);
    expect(pool.take(5).map(({ question: { id } }) => id)).toEqual(['q0']);
    expect(pool.take(5)).toEqual([]);
    pool.judged('q2', true);
    expect(pool.take(5).map(({ question: { id }, uses }) => [id, uses])).toEqual([['q2', 2]]);
  });

  it('lets a question go whose vote taught nothing, or that was asked often enough', () => {
    const pool = new QuestionPool([], { capacity: 8, maxUses: 1 });
    pool.add(question(0));
    pool.take(1);
    expect(pool.leaves('q0', true)).toBe(true);
    pool.judged('q0', true);
    expect(pool.size).toBe(0);
    const patient = new QuestionPool([], { capacity: 8, maxUses: 9 });
    patient.add(question(0));
    patient.take(1);
    patient.judged('q0', false);
    expect(patient.size).toBe(0);
  });

  it('continues after a restart: a question being asked, or asked often enough, is not asked again', () => {
    const entries = [0, 1, 2].map((n) => ({ question: question(n), uses: n }));
    const pool = new QuestionPool(entries, { capacity: 4, maxUses: 2 }, ['q0', 'gone']);
    expect([pool.size, pool.available, pool.room]).toEqual([3, 1, 3]);
    expect(pool.take(9).map(({ question: { id }, uses }) => [id, uses])).toEqual([['q1', 2]]);
    pool.judged('q0', true);
    expect(pool.take(9).map(({ question: { id } }) => id)).toEqual(['q0']);
  });

  it('makes room by dropping the most asked and oldest questions, never a question in flight', () => {
    const pool = new QuestionPool([], { capacity: 3, maxUses: 9 });
    for (const n of [0, 1, 2]) pool.add(question(n));
    pool.take(2);
    pool.judged('q1', true); // q1 was asked, q0 is being asked, q2 is new
    expect(pool.add(question(3))).toEqual(['q1']);
    expect(pool.add(question(4))).toEqual(['q2']);
    pool.take(3);
    expect(pool.add(question(5))).toEqual([]);
    expect(pool.has('q5')).toBe(false);
  });

  it('knows the texts about the same pictures', () => {
    const pool = new QuestionPool([], { capacity: 9, maxUses: 1 });
    for (let n = 0; n < 6; n++) pool.add(question(n));
    expect(pool.textsAbout(question(1).pictures)).toEqual(['What is 1?', 'What is 4?']);
  });

  it('is bounded and consistent whatever happens', () => {
    const act = fc.oneof(
      fc.record({ type: fc.constant('add' as const), n: fc.nat(40) }),
      fc.record({ type: fc.constant('take' as const), n: fc.integer({ min: 0, max: 5 }) }),
      fc.record({ type: fc.constant('judge' as const), n: fc.nat(5), kept: fc.boolean() }),
    );
    fc.assert(
      fc.property(
        fc.array(act, { maxLength: 80 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        (acts, capacity, maxUses) => {
          const pool = new QuestionPool([], { capacity, maxUses });
          const out: string[] = [];
          for (const each of acts) {
            if (each.type === 'add' && !pool.has(`q${each.n}`)) pool.add(question(each.n));
            if (each.type === 'take') {
              for (const { question: taken, uses } of pool.take(each.n)) {
                expect(out).not.toContain(taken.id);
                expect(uses).toBeLessThanOrEqual(maxUses);
                out.push(taken.id);
              }
            }
            if (each.type === 'judge' && out.length > 0) pool.judged(out.splice(each.n % out.length, 1)[0]!, each.kept);
            expect(pool.size).toBeLessThanOrEqual(capacity);
            expect(pool.available).toBe(pool.size - out.length);
            expect(pool.room).toBe(capacity - out.length);
          }
        },
      ),
    );
  });
});
