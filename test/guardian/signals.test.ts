import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canary, probeSignals, recentOf } from '../../src/guardian/probe.ts';
import { concentration, groupSignals, notFinite, type Judged } from '../../src/guardian/signals.ts';
import { verdictOf } from '../../src/learn/judge.ts';
import type { StepMetrics } from '../../src/protocol/messages.ts';

const answer = fc.option(fc.constantFrom('1', '2', '3', '7', 'x'), { nil: null });
const groups = fc.array(fc.array(answer, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 });

function judged(answers: readonly (string | null)[]): Judged {
  const seen = [...new Set(answers.filter((each) => each !== null))];
  const classes = answers.map((each) => (each === null ? -1 : seen.indexOf(each)));
  const verdict = verdictOf('g', answers, classes, {
    normaliseStd: true,
    dropAllAgree: true,
    dropNoBox: true,
    shareFloor: 0,
  });
  return {
    verdict,
    group: { samples: answers.map((each) => ({ tokens: Array.from({ length: (each ?? '').length + 3 }, () => 0) })) },
  };
}

describe('concentration', () => {
  it('is 1 where every question gets the one answer, and 1 / n where each of n gets another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 8 }), (n, samples) => {
        const given = (of: (i: number) => string) =>
          Array.from({ length: n }, (_, i) => Array.from({ length: samples }, () => of(i)));
        expect(concentration(given(() => '7'))).toBeCloseTo(1);
        expect(concentration(given(String))).toBeCloseTo(1 / n);
      }),
    );
  });

  it('is a share, does not depend on order, and does not fall when one more question gets the commonest answer', () => {
    fc.assert(
      fc.property(groups, (all) => {
        const value = concentration(all);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        expect(concentration(all.toReversed().map((each) => each.toReversed()))).toBeCloseTo(value);
        const most = Math.max(...['1', '2', '3', '7', 'x'].map((one) => concentration([...all, [one]])));
        expect(most).toBeGreaterThanOrEqual(value - 1e-12);
      }),
    );
  });

  it('does not take one question with many responses for many questions', () => {
    expect(concentration([['7', '7', '7', '7', '7', '7'], ['1'], ['2'], ['3']])).toBe(0.25);
  });
});

describe('groupSignals', () => {
  it('counts how many of the agreeing responses a check denies the vote, where a check ran', () => {
    const options = { normaliseStd: true, dropAllAgree: true, dropNoBox: true, shareFloor: 0 };
    const samples = Array.from({ length: 4 }, () => ({ tokens: [1] }));
    const of = (votes: readonly boolean[]): Judged => {
      const checks = [{ check: 'c', findings: votes.map((vote) => ({ vote, ...(vote ? {} : { why: 'so' }) })) }];
      const given = ['7', '7', '7', '2'];
      const verdict = verdictOf('g', given, [0, 0, 0, 1], options, undefined, checks as never);
      return { verdict, group: { samples, checks: checks as never } };
    };
    expect(groupSignals([of([true, true, true, true])]).winnersLost).toBe(0);
    expect(groupSignals([of([false, false, true, false])]).winnersLost).toBeCloseTo(2 / 3);
    expect(groupSignals([of([false, true, true, true]), judged(['7'])]).winnersLost).toBeCloseTo(1 / 3);
    expect(groupSignals([judged(['7', '7'])])).not.toHaveProperty('winnersLost');
  });

  it('knows nothing of no group, and of refused questions', () => {
    expect(groupSignals([])).toEqual({});
    expect(groupSignals([judged([])])).toEqual({});
  });

  it('counts what was answered, what was not, and in how many ways', () => {
    const signals = groupSignals([judged(['1', '1', '2', null]), judged(['7', '7', '7', '7'])]);
    expect(signals).toEqual({
      voteShare: 0.75,
      concentration: expect.closeTo(0.5) as number,
      unanswered: 0.125,
      spread: expect.closeTo((1 / 3 + 0) / 2) as number,
      responseTokens: expect.closeTo((4 * 7 + 3) / 8) as number,
    });
  });

  it('stays in [0, 1] but for the length', () => {
    fc.assert(
      fc.property(groups, (all) => {
        const { responseTokens: _, ...shares } = groupSignals(all.map(judged));
        for (const value of Object.values(shares)) expect(value >= 0 && value <= 1 + 1e-12).toBe(true);
      }),
    );
  });
});

describe('canary', () => {
  it('is sure when five of six agree, and never without answers', () => {
    expect(canary([0, 0, 0], [0, 0, 1])).toEqual({
      winner: 0,
      share: expect.closeTo(5 / 6) as number,
      sure: true,
      same: expect.closeTo(6 / 9) as number,
    });
    expect(canary([0, 0, 0], [0, 1, 1]).sure).toBe(false);
    expect(canary([-1, -1, -1], [-1, -1, -1])).toMatchObject({ winner: -1, sure: false, same: 0 });
  });
});

describe('probeSignals', () => {
  const answers = Array.from({ length: 16 }, (_, i) => String(i));
  const earlier = { answers, sure: answers.map((_, i) => i < 10) };
  const probe = {
    version: 9,
    answers,
    sure: answers.map(() => true),
    shares: answers.map(() => 1),
    same: answers.map((_, i) => Number(i < 12)),
  };

  it('asks about what the earlier version was sure of, and about nothing else', () => {
    const asTrusted = answers.map((_, i) => i < 8);
    expect(probeSignals({ ...probe, asTrusted }, { trusted: earlier })).toEqual({
      consistency: 0.75,
      agreement: 0.8,
      sureOf: 10,
    });
    const wrongWhereUnsure = answers.map((_, i) => i < 10);
    expect(probeSignals({ ...probe, asTrusted: wrongWhereUnsure }, { trusted: earlier }).agreement).toBe(1);
    expect(probeSignals({ ...probe, asOrigin: asTrusted }, { origin: earlier })).toEqual({
      consistency: 0.75,
      origin: 0.8,
      baseSureOf: 10,
    });
    expect(probeSignals({ ...probe, asRecent: asTrusted }, { recent: { ...earlier, version: 1 } })).toEqual({
      consistency: 0.75,
      recent: 0.8,
      recentSureOf: 10,
    });
  });

  it('tells how many responses keep a sure answer, and how far that is below the most since', () => {
    const recent = { ...earlier, version: 1 };
    // The canaries that it was not sure of do not count.
    const shareRecent = answers.map((_, i) => (i < 5 ? 1 : i < 10 ? 0.6 : 0));
    expect(probeSignals({ ...probe, shareRecent }, { recent })).toEqual({
      consistency: 0.75,
      kept: expect.closeTo(0.8) as number,
    });
    const kept = { ...recent, kept: 0.95 };
    expect(probeSignals({ ...probe, shareRecent }, { recent: kept }).faded).toBeCloseTo(0.15);
    expect(probeSignals({ ...probe, shareRecent }, { recent: { ...recent, kept: 0.7 } }).faded).toBe(0);
    const asked = answers.map((_, i) => i < 5 || i > 8);
    expect(probeSignals({ ...probe, shareRecent, asked }, { recent })).not.toHaveProperty('kept');
  });

  it('the share to expect is that of a probe which did not choose the answers', () => {
    const first = { ...probe, sure: answers.map((_, i) => i > 0) };
    const second = { ...probe, sure: answers.map((_, i) => i < 12) };
    const newest = { ...probe, version: 30, shares: answers.map((_, i) => (i === 0 || i > 11 ? 0.2 : 0.9)) };
    const recent = recentOf([first, second, newest]);
    expect(recent).toMatchObject({ version: 30, answers, sure: answers.map((_, i) => i > 0 && i < 12) });
    expect(recent.kept).toBeCloseTo(0.9);
    const elsewhere = { ...newest, answers: answers.map((answer, i) => (i === 3 ? 'another' : answer)) };
    expect(recentOf([first, second, elsewhere]).kept).toBeCloseTo((10 * 0.9) / 11);
    const asked = answers.map((_, i) => i < 7); // of the others six, too few for a share
    expect(recentOf([first, second, { ...newest, asked }]).kept).toBeUndefined();
  });

  it('says nothing where the earlier version was sure of too little', () => {
    const unsure = { answers, sure: answers.map((_, i) => i < 7) };
    expect(probeSignals({ ...probe, asTrusted: answers.map(() => false) }, { trusted: unsure })).toEqual({
      consistency: 0.75,
    });
  });

  it('has an accuracy only where there are labels', () => {
    const right = answers.map((_, i) => i % 4 === 0);
    expect(probeSignals({ ...probe, right }, {})).toEqual({
      consistency: 0.75,
      canaryAccuracy: 0.25,
    });
  });
});

describe('notFinite', () => {
  it('names the metrics that are not finite', () => {
    const metrics = { loss: Number.NaN, kl: 0, gradNorm: Infinity } as unknown as StepMetrics;
    expect(notFinite(metrics)).toEqual(['loss', 'gradNorm']);
    expect(notFinite(null)).toEqual([]);
  });
});
