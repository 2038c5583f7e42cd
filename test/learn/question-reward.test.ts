import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rewardOf, weighed, writingFigures, type Candidate } from '../../src/learn/question-reward.ts';

const OPTIONS = { duplicateSimilarity: 0.8 };
const vote = (share: number, kept = true) => ({ share, kept, ...(kept ? {} : { dropped: 'share-floor' as const }) });
const asked = (text: string, share: number): Candidate => ({ text, kind: text.split(' ')[0]!, vote: vote(share) });
const rewardsOf = (...given: Parameters<typeof weighed>) => weighed(...given).map(rewardOf);

const candidate: fc.Arbitrary<Candidate> = fc.record({
  text: fc.constantFrom('how many are red', 'how many are blue', 'what is the sum of all', 'where is it'),
  kind: fc.constantFrom('how many', 'what is', 'where is'),
  vote: fc.option(fc.record({ share: fc.integer({ min: 0, max: 8 }).map((n) => n / 8), kept: fc.boolean() }), {
    nil: undefined,
  }),
});

describe('the reward of a written question', () => {
  test('is highest where the votes are evenly split, and none where the loop would learn nothing', () => {
    const texts = ['how many are red', 'what is the sum of all', 'where is it'];
    const [even, sure, lost] = rewardsOf(
      [asked(texts[0]!, 0.5), asked(texts[1]!, 0.9), { ...asked(texts[2]!, 0.4), vote: vote(0.4, false) }],
      [],
      OPTIONS,
    );
    expect(even).toBe(1);
    expect(sure).toBeCloseTo(0.36);
    expect(lost).toBe(0);
  });

  test('falls with each question of the group that has near the same words, whatever became of that one', () => {
    const others = ['what is the sum of all', 'where is it now', 'which one comes last'];
    const withCopies = (copies: number) =>
      rewardsOf(
        [asked('how many are red', 0.5), ...others.map((text, i) => asked(i < copies ? 'how many are red' : text, 1))],
        [],
        OPTIONS,
      )[0]!;
    expect([0, 1, 2, 3].map(withCopies)).toEqual([1, 2 / 3, 1 / 3, 0].map((value) => expect.closeTo(value) as number));
  });

  test('falls with the share of its kind among those written lately, and with copies about the same pictures', () => {
    const recent = (kind: string, isAbout: boolean) => ({ text: 'how many are red', kind, isAbout });
    const reward = (...lately: Parameters<typeof weighed>[1]) =>
      rewardsOf([asked('how many are red', 0.5)], lately, OPTIONS)[0]!;
    expect(reward()).toBe(1);
    expect(reward(recent('how', false), recent('what', false), recent('what', false), recent('what', false))).toBe(
      0.75,
    );
    expect(reward(recent('how', false))).toBe(0); // every question lately is of this kind
    expect(reward(recent('what', true))).toBe(0); // it was asked about these pictures before
  });

  test('is in [0, 1], and above 0 only for a question that was asked and that the loop would learn from', () => {
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 8 }), (candidates) => {
        const written = weighed(candidates, [], OPTIONS);
        for (const [i, each] of written.entries()) {
          const reward = rewardOf(each);
          expect(reward).toBeGreaterThanOrEqual(0);
          expect(reward).toBeLessThanOrEqual(1);
          if (reward > 0) expect(candidates[i]!.vote?.kept).toBe(true);
        }
        const { reward, usable, split, kinds } = writingFigures(written)!;
        expect(Math.max(reward, usable, split)).toBeLessThanOrEqual(1);
        expect(kinds).toBeLessThanOrEqual(3 + 1e-9);
      }),
    );
  });
});
