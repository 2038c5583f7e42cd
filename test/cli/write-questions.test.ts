import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuestionWriter } from '../../src/cli/write-questions.ts';
import { FRUITLESS_BATCHES } from '../../src/learn/synthetic.ts';
import type { Question, Verdict } from '../../src/protocol/messages.ts';
import type { Synthesize } from '../../src/protocol/ports.ts';

const { signal } = new AbortController();
const settings = { batchQuestions: 4, maxWords: 20, duplicateSimilarity: 0.8 };

/** Writes `text(n)` as question n, about one of three pictures. */
const writes =
  (text: (n: number) => string): Synthesize =>
  ({ from, count }) =>
    Promise.resolve(
      Array.from({ length: count }, (_, i) => {
        const n = from + i;
        const question: Question = {
          id: `direct/${n}`,
          text: text(n),
          pictures: [{ type: 'figure', key: `${n % 3}` }],
          origin: 'direct',
        };
        return { question, seed: null, finish: 'stop' as const };
      }),
    );

const verdict = ({ id }: Question, share: number): Verdict => {
  const none = { groupId: id, answers: ['4', '5'], classes: [0, 1], winner: 0, share, rewards: [], advantages: [] };
  return share < 1 ? { ...none, kept: true } : { ...none, kept: false, dropped: 'all-agree' };
};

async function all(writer: QuestionWriter, count: number) {
  const questions = [];
  for await (const each of writer.questions(count, signal)) questions.push(each);
  return questions;
}

describe('QuestionWriter', () => {
  it('gives as many as are wanted, the same whatever is written at once, and accounts for each one it looked at', async () => {
    const kinds = fc.constantFrom('good', 'bad', 'again');
    await fc.assert(
      fc.asyncProperty(
        fc.array(kinds, { minLength: 5, maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        async (plan, count) => {
          const text = (n: number) => {
            const kind = plan[n % plan.length];
            return kind === 'good'
              ? `How long is side ${n} of figure ${n}?`
              : kind === 'bad'
                ? 'no question'
                : 'What is the same area?';
          };
          const runs = await Promise.all(
            [1, 3].map(async (lanes) => {
              const writer = new QuestionWriter({ synthesize: writes(text), settings, lanes });
              const questions = await all(writer, count);
              return {
                ids: questions.map(({ question }) => question.id),
                counts: writer.counts,
                gaveUp: writer.gaveUp,
              };
            }),
          );
          expect(runs[1]).toEqual(runs[0]);
          const { ids, counts, gaveUp } = runs[0]!;
          expect(ids.length === count).toBe(!gaveUp);
          const rejected = Object.values(counts.rejected).reduce((sum, n) => sum + n, 0);
          expect([counts.accepted, counts.written]).toEqual([ids.length, ids.length + rejected]);
          // one a picture
          expect(ids.filter((id) => text(Number(id.split('/')[1])).includes('same')).length).toBeLessThanOrEqual(3);
        },
      ),
      { seed: 4, numRuns: 60 },
    );
  });

  it('gives up when every question is a repetition, and reports the reasons', async () => {
    const writer = new QuestionWriter({ synthesize: writes(() => 'What is the area?'), settings, lanes: 1 });
    expect((await all(writer, 10)).length).toBe(3);
    expect(writer.gaveUp).toBe(true);
    const written = (1 + FRUITLESS_BATCHES) * settings.batchQuestions;
    expect(writer.counts).toEqual({ written, accepted: 3, rejected: { duplicate: written - 3 } });
  });

  it('votes once on each question that passes the checks, and keeps those that the vote keeps', async () => {
    const voted: string[] = [];
    const vote = (questions: readonly Question[]) => {
      voted.push(...questions.map(({ text }) => text));
      return Promise.resolve(questions.map((question, i) => verdict(question, i % 2 === 0 ? 0.7 : 1)));
    };
    const text = (n: number) => (n % 4 === 3 ? 'no question' : `How long is side ${n} of figure ${n}?`);
    const writer = new QuestionWriter({ synthesize: writes(text), settings, lanes: 2, vote });
    const questions = await all(writer, 4);
    expect(questions.map(({ question: { id }, vote: of }) => [id, of])).toEqual(
      ['direct/0', 'direct/2', 'direct/4', 'direct/6'].map((id) => [id, { majority: '4', share: 0.7 }]),
    );
    expect(new Set(voted).size).toBe(voted.length);
    expect(voted).not.toContain('no question');
    expect(writer.counts).toEqual({ written: 7, accepted: 4, rejected: { 'all-agree': 2, malformed: 1 } });
  });
});
