import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPort, type AdvantageRequest, type JudgedGroup } from '../../src/index.ts';
import drGrpo from '../../src/plugins/dr-grpo.ts';
import lengthFilter from '../../src/plugins/length-filter.ts';
import rank from '../../src/plugins/rank.ts';
import { judgedGroup } from '../support/judged.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';
import { response, rewardRequest } from '../support/reward-request.ts';

function given(rewards: readonly number[]): AdvantageRequest {
  const { group, classes, winner, share } = rewardRequest(rewards.map(() => response('4')));
  return { group, classes, winner, share, rewards };
}

const open = (definition: typeof drGrpo) => openPort(definition, 'advantage', pluginContext<'advantage'>());

test('dr-grpo: the distance to the mean, not divided by the spread', async () => {
  const advantage = await open(drGrpo);
  expect(await advantage(given([1, 0, 0, 0]), idle)).toEqual([0.75, -0.25, -0.25, -0.25]);
  expect(await advantage(given([100, 0]), idle)).toEqual([50, -50]);
  expect(await advantage(given([0.1, 0.1, 0.1]), idle)).toEqual([0, 0, 0]);
});

test('rank: evenly spaced from -1 to 1, whatever the scale; equals share', async () => {
  const advantage = await open(rank);
  expect(await advantage(given([-1000, 3, 0]), idle)).toEqual([-1, 1, 0]);
  expect(await advantage(given([1, 1, 0, 1, 0]), idle)).toEqual([0.5, 0.5, -0.75, 0.5, -0.75]);
  expect(await advantage(given([5]), idle)).toEqual([0]);
});

test.each([drGrpo, rank])('$name: advantages sum to 0 and keep the order of the rewards', async (definition) => {
  const advantage = await open(definition);
  const rewards = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(rewards, async (values) => {
      const advantages = await advantage(given(values), idle);
      expect(advantages.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 9);
      values.forEach((a, i) =>
        values.forEach((b, j) => a < b && expect(advantages[i]).toBeLessThanOrEqual(advantages[j]!)),
      );
    }),
  );
});

describe('length-filter', () => {
  const cut = (...finishes: ('stop' | 'length')[]): JudgedGroup => {
    const { group, verdict } = judgedGroup(0);
    return { verdict, group: { ...group, samples: finishes.map((finish) => ({ ...response('4'), finish })) } };
  };

  test('drops a group in which more than the share given were cut off, and says how many', async () => {
    const filter = await openPort(lengthFilter, 'filter', pluginContext<'filter'>(), { maxCutOffShare: 0.5 });
    expect(await filter(cut('length', 'stop'), idle)).toBeUndefined();
    expect(await filter(cut('length', 'stop', 'length'), idle)).toBe('2 of 3 responses were cut off');
  });

  test('a share above 1 is refused', async () => {
    await expect(openPort(lengthFilter, 'filter', pluginContext<'filter'>(), { maxCutOffShare: 2 })).rejects.toThrow(
      'options.maxCutOffShare',
    );
  });
});
