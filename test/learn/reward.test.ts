import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Grader } from '../../src/learn/grader.ts';
import { judge } from '../../src/learn/judge.ts';
import { labelReward, likelihoodReward } from '../../src/learn/reward.ts';
import type { RolloutGroup } from '../../src/protocol/messages.ts';

const options = { dropAllAgree: true, dropNoBox: false, shareFloor: 0, normaliseStd: true };

function group(
  texts: readonly string[],
  logprobs: readonly (readonly number[])[] = texts.map(() => [-1]),
): RolloutGroup {
  const samples = texts.map((text, i) => ({
    tokens: logprobs[i]!.map(() => 1),
    logprobs: logprobs[i]!,
    text,
    finish: 'stop' as const,
  }));
  return {
    id: 'g',
    sequence: 0,
    question: { id: 'q', text: '?', pictures: [], origin: 'dataset' },
    policyVersion: 0,
    samples,
  };
}

describe('labelReward', () => {
  it('rewards the label by value, and reports the vote all the same', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    const reward = labelReward((id) => (id === 'q' ? '0.5' : undefined), grader);
    const verdict = await judge(group(['\\boxed{2}', '\\boxed{2}', '\\boxed{1/2}', '0.5']), grader, options, reward);
    expect(verdict).toMatchObject({ rewards: [0, 0, 1, 0], winner: 0, share: 0.5, kept: true });
    expect(verdict.advantages[2]).toBeGreaterThan(0);
  });

  it('drops a group in which all are wrong, and says that this is not agreement', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    const verdict = await judge(
      group(['\\boxed{2}', '\\boxed{3}']),
      grader,
      options,
      labelReward(() => '4', grader),
    );
    expect(verdict).toMatchObject({ kept: false, dropped: 'equal-rewards' });
    const agreed = await judge(
      group(['\\boxed{4}', '\\boxed{4}']),
      grader,
      options,
      labelReward(() => '4', grader),
    );
    expect(agreed).toMatchObject({ kept: false, dropped: 'all-agree' });
  });

  it('gives nothing to a question without a label', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    expect(await labelReward(() => undefined, grader)(group(['a', 'b']), ['1', null])).toEqual([0, 0]);
  });
});

describe('likelihoodReward', () => {
  it('orders by the mean log-probability, not by the length', () => {
    expect(likelihoodReward(group(['x', 'y'], [[-1, -1, -1, -1], [-2]]), ['1', '2'])).toEqual([-1, -2]);
  });

  it('never gives a response without an answer more than any other', () => {
    const one = fc.record({
      logprobs: fc.array(fc.double({ min: -9, max: 0, noNaN: true }), { minLength: 1, maxLength: 5 }),
      silent: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 8 }), (all) => {
        const rewards = likelihoodReward(
          group(
            all.map(() => ''),
            all.map(({ logprobs }) => logprobs),
          ),
          all.map(({ silent }) => (silent ? null : '1')),
        ) as number[];
        all.forEach(({ silent }, i) => expect(silent ? rewards[i] : Math.min(...rewards)).toBe(Math.min(...rewards)));
      }),
    );
  });
});
