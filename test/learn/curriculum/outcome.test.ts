import { describe, expect, test } from 'vitest';
import { outcomeOf as judgedOutcome, trustedShare } from '../../../src/learn/curriculum/outcome.ts';
import { verdictOf } from '../../../src/learn/judge.ts';
import type { CheckFinding, Verdict } from '../../../src/protocol/messages.ts';

const OPTIONS = { normaliseStd: true, dropAllAgree: true, dropNoBox: true, shareFloor: 0.6 };

const outcomeOf = (verdict: Verdict, floor: number) => judgedOutcome({ group: {}, verdict }, floor);

/** `votes` of ten responses for one answer, the others all different; `silent` of these without an answer. */
function verdict(votes: number, { silent = 0, rewards = undefined as readonly number[] | undefined } = {}) {
  const classes = Array.from({ length: 10 }, (_, i) => (i < votes ? 0 : i >= 10 - silent ? -1 : 1 + i - votes));
  const answers = classes.map((of) => (of < 0 ? null : String(of)));
  return verdictOf('g', answers, classes, OPTIONS, rewards);
}

test.each([
  [10, 'known'],
  [9, 'sure'],
  [8, 'split'],
  [6, 'split'],
  [5, 'near'],
  [4, 'near'],
  [3, 'lost'],
  [1, 'lost'],
])('%i of ten votes for the winner: %s', (votes, outcome) => {
  expect(outcomeOf(verdict(votes), 0.6)).toBe(outcome);
});

test('a group that the guardian drops for its own floor is not learnt from, however large its share', () => {
  const floored = { ...verdict(8), kept: false, dropped: 'share-floor' as const };
  expect(outcomeOf(floored, 0.9)).toBe('near');
  expect(outcomeOf({ ...verdict(8), kept: false, dropped: 'filtered' }, 0.6)).toBe('lost');
});

test('silence is no answer that is known', () => {
  expect(outcomeOf(verdict(0, { silent: 10 }), 0.6)).toBe('lost');
  expect(outcomeOf(verdict(4, { silent: 6 }), 0.6)).toBe('lost');
});

test('where a rule rewards, agreement on what earns nothing is not known', () => {
  expect(outcomeOf(verdict(10, { rewards: Array.from({ length: 10 }, () => 0) }), 0.6)).toBe('lost');
  expect(outcomeOf(verdict(10, { rewards: Array.from({ length: 10 }, () => 1) }), 0.6)).toBe('known');
});

test('a refused question, which has no response, is lost', () => {
  expect(
    outcomeOf({ ...verdict(0), answers: [], classes: [], rewards: [], advantages: [], dropped: 'refused' }, 0),
  ).toBe('lost');
});

describe('with checks', () => {
  const all = (vote: boolean | null, count: number): CheckFinding[] =>
    Array.from({ length: count }, () => (vote === true ? { vote } : { vote, why: 'because' }) as CheckFinding);
  const group = (...findings: (readonly CheckFinding[])[]) => ({
    checks: findings.map((each, i) => ({ check: `check ${i}`, findings: each })),
  });

  test('only votes whose work holds are trusted', () => {
    const half = group([...all(true, 5), ...all(false, 5)]);
    expect(trustedShare(half, verdict(10))).toBe(0.5);
    expect(judgedOutcome({ group: half, verdict: verdict(10) }, 0.6)).toBe('lost'); // a confident error
    expect(judgedOutcome({ group: half, verdict: verdict(8) }, 0.6)).toBe('near');
    expect(judgedOutcome({ group: group(all(true, 10)), verdict: verdict(10) }, 0.6)).toBe('known');
  });

  test('each check may refuse, and one that finds nothing does not vouch', () => {
    const both = group(all(true, 10), [...all(null, 4), ...all(false, 2), ...all(true, 4)]);
    expect(trustedShare(both, verdict(10))).toBe(0.8);
    expect(trustedShare(group([...all(true, 3), ...all(null, 7)]), verdict(10))).toBe(0.3);
  });

  test('where they find nothing to check in the whole group, the plain share counts', () => {
    expect(trustedShare(group(all(null, 10)), verdict(7))).toBe(0.7);
    expect(trustedShare({}, verdict(7))).toBe(0.7);
  });
});
