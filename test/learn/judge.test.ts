import { describe, expect, it } from 'vitest';
import { judge, verdictOf } from '../../src/learn/judge.ts';
import { Grader } from '../../src/learn/grader.ts';
import type { RolloutGroup } from '../../src/protocol/messages.ts';

const options = { dropAllAgree: true, dropNoBox: true, shareFloor: 0, normaliseStd: true };

function group(texts: readonly string[], id = 'q'): RolloutGroup {
  const samples = texts.map((text) => ({ tokens: [1, 2, 3], logprobs: [-1, -1, -1], text, finish: 'stop' as const }));
  return {
    id: `g-${id}`,
    sequence: 0,
    question: { id, text: '?', pictures: [], origin: 'dataset' },
    policyVersion: 3,
    samples,
  };
}

describe('judge', () => {
  it('votes by value, not by string', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    const verdict = await judge(
      group(['\\boxed{2}', '\\boxed{1/2}', '\\boxed{0.5}', '\\boxed{\\frac12}', 'no box', '\\boxed{2.0}']),
      grader,
      options,
    );
    expect(verdict.answers).toEqual(['2', '1/2', '0.5', '\\frac12', null, '2.0']);
    expect(verdict.classes).toEqual([0, 1, 1, 1, -1, 0]);
    expect(verdict).toMatchObject({ groupId: 'g-q', winner: 1, share: 0.5, rewards: [0, 1, 1, 1, 0, 0], kept: true });
    expect(verdict.advantages.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12);
    expect(verdict).not.toHaveProperty('dropped');
  });

  it('does not reward a majority without a box', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    const verdict = await judge(group(['None', 'None', 'None', '\\boxed{1}']), grader, options);
    expect(verdict).toMatchObject({ winner: 0, share: 0.25, rewards: [0, 0, 0, 1], kept: false, dropped: 'no-box' });
  });

  it('gives a response that a check denies no vote and no reward; its answer stays', async () => {
    await using grader = new Grader({ deadlineSeconds: 5 });
    const texts = ['1+1=3 \\boxed{3}', '1+2=4 \\boxed{3}', '\\boxed{2}', 'none'];
    const plain = group(texts);
    const findings = [
      { vote: false as const, why: 'wrong', step: '1+1=3' },
      { vote: false as const, why: 'wrong', step: '1+2=4' },
      { vote: null, why: 'no equation' },
      { vote: true as const },
    ];
    const verdict = await judge({ ...plain, checks: [{ check: 'sums', findings }] }, grader, options);
    expect(verdict).toMatchObject({ answers: ['3', '3', '2', null], classes: [-1, -1, 1, -1], winner: 1, share: 0.25 });
    expect(verdict).toMatchObject({
      rewards: [0, 0, 1, 0],
      kept: true,
      lost: { by: { sums: 2 }, classes: [0, 0, 1, -1] },
    });
    const found = { check: 'sums', findings: texts.map(() => ({ vote: null, why: 'no equation' })) };
    expect(await judge({ ...plain, checks: [found] }, grader, options)).toEqual(await judge(plain, grader, options));
  });

  it('refuses classes that do not fit the answers', () => {
    expect(() => verdictOf('g', ['1', null], [0], options)).toThrow('g');
    expect(() => verdictOf('g', ['1', null], [0, 0], options)).toThrow('without an answer');
  });
});
