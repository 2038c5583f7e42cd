import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupAdvantages } from '../../src/learn/advantage.ts';
import { dropReason, type FilterOptions } from '../../src/learn/filters.ts';
import type { CheckFinding } from '../../src/protocol/messages.ts';
import { checkedClasses, majorityVote, voteLosses } from '../../src/learn/vote.ts';

const classes = fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 16 });

describe('majorityVote', () => {
  it('counts every response in the share, and pays none without an answer', () => {
    expect(majorityVote([0, 1, 0, -1, -1, -1])).toEqual({
      winner: 0,
      votes: 2,
      share: 2 / 6,
      silent: 3,
      lost: 0,
      rewards: [1, 0, 1, 0, 0, 0],
    });
  });

  it('breaks ties for the class seen first', () => {
    expect(majorityVote([3, 1, 1, 3]).winner).toBe(3);
    expect(majorityVote([-1, 1, 3, 3, 1]).winner).toBe(1);
  });

  it('has no winner without votes', () => {
    expect(majorityVote([-1, -1])).toMatchObject({ winner: -1, share: 0, rewards: [0, 0] });
    expect(majorityVote([])).toMatchObject({ winner: -1, share: 0, rewards: [] });
  });

  it('does not depend on order, up to the tie rule', () => {
    const shuffled = classes.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const [a, b] = [majorityVote(list), majorityVote(other)];
        expect(b.votes).toBe(a.votes);
        expect(b.share).toBe(a.share);
        const rivals = new Set(list.filter((c) => c >= 0 && list.filter((d) => d === c).length === a.votes));
        if (rivals.size > 0) expect(rivals).toContain(b.winner);
        if (rivals.size === 1) expect(b.winner).toBe(a.winner);
      }),
    );
  });

  it('does not depend on the names of the classes', () => {
    fc.assert(
      fc.property(classes, fc.shuffledSubarray([10, 11, 12, 13, 14], { minLength: 5 }), (list, names) => {
        const renamed = list.map((c) => (c < 0 ? -1 : (names[c] ?? -1)));
        const [a, b] = [majorityVote(list), majorityVote(renamed)];
        expect(b.rewards).toEqual(a.rewards);
        expect(b.share).toBe(a.share);
        expect(b.winner).toBe(a.winner < 0 ? -1 : names[a.winner]);
      }),
    );
  });

  it('keeps the share in [0, 1], and the rewards add up to it', () => {
    fc.assert(
      fc.property(classes, (list) => {
        const vote = majorityVote(list);
        expect(vote.share).toBeGreaterThanOrEqual(0);
        expect(vote.share).toBeLessThanOrEqual(1);
        expect(vote.rewards.reduce((sum, reward) => sum + reward, 0)).toBe(vote.votes);
        list.forEach((c, i) => c === -1 && expect(vote.rewards[i]).toBe(0));
      }),
    );
  });
});

describe('groupAdvantages', () => {
  it('is what numpy gives with ddof = 1', () => {
    const golden = [
      0.7302954100093224, 0.7302954100093224, 0.7302954100093224, -1.0954431150139834, -1.0954431150139834,
    ];
    groupAdvantages([1, 1, 1, 0, 0], { normaliseStd: true }).forEach((value, i) =>
      expect(value).toBeCloseTo(golden[i] ?? NaN, 12),
    );
  });

  it('leaves the deviation alone when told to (Dr. GRPO)', () => {
    expect(groupAdvantages([1, 0, 0, 0], { normaliseStd: false })).toEqual([0.75, -0.25, -0.25, -0.25]);
  });

  it('is exactly zero when all agree', () => {
    expect(groupAdvantages([1, 1, 1], { normaliseStd: true })).toEqual([0, 0, 0]);
    expect(groupAdvantages([0.1, 0.1, 0.1], { normaliseStd: false })).toEqual([0, 0, 0]);
    expect(groupAdvantages([], { normaliseStd: true })).toEqual([]);
  });

  it('sums to 0 and keeps the order of the rewards', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 20 }),
        fc.boolean(),
        (rewards, normaliseStd) => {
          const advantages = groupAdvantages(rewards, { normaliseStd });
          expect(Math.abs(advantages.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-6);
          rewards.forEach((r, i) =>
            rewards.forEach((s, j) => r > s && expect(advantages[i]).toBeGreaterThanOrEqual(advantages[j] ?? NaN)),
          );
        },
      ),
    );
  });
});

describe('dropReason', () => {
  const filters = { dropAllAgree: true, dropNoBox: true };
  const reasonOf = (list: readonly number[], options: FilterOptions) =>
    dropReason(majorityVote(list), groupAdvantages(majorityVote(list).rewards, { normaliseStd: true }), options);
  const reason = (list: readonly number[], shareFloor = 0): string | undefined =>
    reasonOf(list, { ...filters, shareFloor });

  it('names why', () => {
    expect(reason([0, 0, 0])).toBe('all-agree');
    expect(reason([-1, -1, -1])).toBe('no-box');
    expect(reason([-1, -1, 0, 1])).toBe('no-box');
    expect(reason([-1, 0])).toBeUndefined();
    expect(reason([0, 1, 2, 0], 0.6)).toBe('share-floor');
    expect(reason([0, 0, 0, 1, 2], 0.6)).toBeUndefined();
    expect(reason([0, 0, -1])).toBeUndefined();
  });

  it('keeps what a filter that is off would drop', () => {
    const off = { dropAllAgree: false, dropNoBox: false, shareFloor: 0 };
    for (const list of [
      [0, 0, 0],
      [-1, -1, -1],
      [-1, -1, 0, 1],
    ])
      expect(reasonOf(list, off)).toBeUndefined();
  });

  it('keeps exactly the groups with a majority, a dissenter and enough agreement', () => {
    fc.assert(
      fc.property(classes, fc.double({ min: 0, max: 1, noNaN: true }), (list, floor) => {
        const votes = Math.max(0, ...[0, 1, 2, 3, 4].map((c) => list.filter((d) => d === c).length));
        const silent = list.filter((c) => c === -1).length;
        const keep = votes > 0 && votes >= silent && votes < list.length && votes / list.length >= floor;
        expect(reason(list, floor) === undefined).toBe(keep);
      }),
    );
  });
});

describe('checked votes', () => {
  const finding = fc.constantFrom<CheckFinding>(
    { vote: true },
    { vote: null, why: 'nothing to check' },
    { vote: false, why: 'wrong', step: '1+1=3' },
  );
  const groups = classes.chain((list) =>
    fc.record({
      list: fc.constant(list),
      checks: fc.array(fc.array(finding, { minLength: list.length, maxLength: list.length }), { maxLength: 3 }),
    }),
  );
  const named = (checks: readonly (readonly CheckFinding[])[]) =>
    checks.map((findings, i) => ({ check: `check-${i}`, findings }));

  it('are those of the answers without the denied ones, whose losses are counted for the first check', () => {
    const deny = (at: readonly number[]) =>
      [0, 1, 2, 3, 4].map((i): CheckFinding => (at.includes(i) ? { vote: false, why: 'wrong' } : { vote: true }));
    const checks = named([deny([1, 3]), deny([0, 1])]);
    expect(checkedClasses([0, 0, 1, -1, 1], checks)).toEqual({
      classes: [-1, -1, 1, -1, 1],
      lost: { by: { 'check-0': 1, 'check-1': 1 }, classes: [0, 0, 1, -1, 1] },
    });
    expect(checkedClasses([0, 0, 1, -1, 1], named([deny([3])]))).toEqual({ classes: [0, 0, 1, -1, 1] });
    expect(checkedClasses([0], [{ check: 'constructor', findings: [{ vote: false, why: 'no' }] }]).lost).toEqual({
      by: { constructor: 1 },
      classes: [0],
    });
  });

  it('are never given to a response that had none, and change only where a check denies one', () => {
    fc.assert(
      fc.property(groups, ({ list, checks }) => {
        const { classes: after, lost } = checkedClasses(list, named(checks));
        const denied = list.map((own, i) => own !== -1 && checks.some((findings) => findings[i]!.vote === false));
        expect(after).toEqual(list.map((own, i) => (denied[i] ? -1 : own)));
        expect(lost?.classes).toEqual(denied.includes(true) ? list : undefined);
        const [before, now] = [majorityVote(list), majorityVote(after, lost?.classes)];
        expect(now.votes).toBeLessThanOrEqual(before.votes);
        expect(now.silent).toBe(before.silent);
        expect(now.lost).toBe(Object.values(lost?.by ?? {}).reduce((sum, n) => sum + n, 0));
        denied.forEach((isDenied, i) => isDenied && expect(now.rewards[i]).toBe(0));
        const losses = voteLosses({ classes: after, ...(lost && { lost }) });
        expect(losses).toMatchObject({ answers: list.length - before.silent, lost: now.lost, winners: before.votes });
        expect(losses.winnersLost).toBe(list.filter((own, i) => denied[i] && own === before.winner).length);
      }),
    );
  });

  it('of a group that has lost all of them drop it as no-vote, whatever the filters', () => {
    const off = { dropAllAgree: false, dropNoBox: false, shareFloor: 0 };
    const reason = (before: readonly number[], after: readonly number[]) =>
      dropReason(majorityVote(after, before), [], off);
    expect(reason([0, 0, -1], [-1, -1, -1])).toBe('no-vote');
    expect(reason([0, 0, -1], [-1, 0, -1])).toBeUndefined();
    expect(reason([-1, -1, -1], [-1, -1, -1])).toBeUndefined();
    expect(dropReason(majorityVote([-1, -1], [0, 0]), [1, -1], off, true)).toBeUndefined();
    // Lost votes are no silence: one vote of three is no less than no silence at all.
    expect(dropReason(majorityVote([0, -1, -1], [0, 0, 1]), [2, -1, -1], { ...off, dropNoBox: true })).toBeUndefined();
  });
});
