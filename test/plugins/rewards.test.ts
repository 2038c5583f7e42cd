import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openPort, type PluginDefinition, type RewardReply } from '../../src/index.ts';
import combine from '../../src/plugins/combine.ts';
import entropyWeighted from '../../src/plugins/entropy-weighted.ts';
import labels from '../../src/plugins/labels.ts';
import majority from '../../src/plugins/majority.ts';
import selfCertainty from '../../src/plugins/self-certainty.ts';
import shaping from '../../src/plugins/shaping.ts';
import softVote from '../../src/plugins/soft-vote.ts';
import { pluginContext, idle } from '../support/plugin-context.ts';
import { response, rewardRequest } from '../support/reward-request.ts';

type Group = Parameters<typeof rewardRequest>[0];

async function earned<T>(definition: PluginDefinition<T>, samples: Group, options?: unknown): Promise<RewardReply> {
  const reward = await openPort(definition, 'reward', pluginContext<'reward'>(), options);
  return reward(rewardRequest(samples), idle);
}

const answers = (...texts: (string | null)[]): Group => texts.map((text) => response(text));
const close = (...values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 12) as unknown);

describe('by what the group answers', () => {
  test('majority: the vote', async () => {
    expect(await earned(majority, answers('4', '5', '4', null))).toEqual([1, 0, 1, 0]);
  });

  test('soft vote: how often an answer was given, among all responses', async () => {
    expect(await earned(softVote, answers('4', '5', '4', null))).toEqual([0.5, 0.25, 0.5, 0]);
  });

  test('entropy-weighted: votes count in full where all agree, and for nothing where no two do', async () => {
    expect(await earned(entropyWeighted, answers('4', '4', '4', '4'))).toEqual([1, 1, 1, 1]);
    expect(await earned(entropyWeighted, answers('4', '5', '6', '7'))).toEqual(close(0, 0, 0, 0));
    // Shares 1/2, 1/4, 1/4: H = 1.5 log 2, and log G = 2 log 2.
    expect(await earned(entropyWeighted, answers('4', '4', '5', '6'))).toEqual(close(0.25, 0.25, 0, 0));
    // Two without an answer do not agree with each other.
    expect(await earned(entropyWeighted, answers('4', '4', null, null))).toEqual(close(0.25, 0.25, 0, 0));
    expect(await earned(entropyWeighted, answers('4'))).toEqual([1]);
  });

  const classes = fc.array(fc.option(fc.constantFrom('1', '2', '3'), { nil: null }), { minLength: 1, maxLength: 12 });

  test('soft vote prefers what the vote prefers; a weight never changes who earns more', async () => {
    const [soft, weighted] = await Promise.all(
      [softVote, entropyWeighted].map((it) => openPort(it, 'reward', pluginContext<'reward'>())),
    );
    await fc.assert(
      fc.asyncProperty(classes, async (texts) => {
        const request = rewardRequest(answers(...texts));
        const softly = (await soft!(request, idle)) as readonly number[];
        const votes = (await weighted!(request, idle)) as readonly number[];
        request.votes.forEach((vote, i) => {
          expect(softly[i]).toBeGreaterThanOrEqual(0);
          if (vote === 1) expect(softly[i]).toBe(Math.max(...softly));
          expect(votes[i]).toBeGreaterThanOrEqual(0);
          expect(votes[i]).toBeLessThanOrEqual(vote);
        });
      }),
    );
  });
});

describe('by what the policy thinks of its response', () => {
  test('self-certainty: the mean log-probability of a token, however long the response; silence earns the least', async () => {
    expect(
      await earned(selfCertainty, [
        response('4', 3, -0.5),
        response('5', 30, -0.5),
        response('6', 2, -2),
        response(null, 5, -0.1),
      ]),
    ).toEqual(close(-0.5, -0.5, -2, -2));
  });
});

describe('by labels', () => {
  async function judged(id: string): Promise<RewardReply> {
    const context = pluginContext<'reward'>({ labels: { q: '0.5' } });
    return (await openPort(labels, 'reward', context))(
      rewardRequest(answers('\\frac12', '2', '50\\%', null), id),
      idle,
    );
  }

  test('1 for an answer that is equivalent to the label, and it is known to be true', async () => {
    expect(await judged('q')).toEqual({ rewards: [1, 0, 1, 0], verified: true });
  });

  test('a question without a label is left to the reward after it', async () => {
    expect(await judged('another')).toBeUndefined();
  });

  test('without the permission nothing is judged', async () => {
    await expect(earned(labels, answers('4'))).rejects.toThrow('labels are not allowed');
  });
});

describe('by length and format', () => {
  const lengths = (...tokens: number[]): Group => tokens.map((length) => response('4', length));

  test('each token away from the target costs', async () => {
    expect(await earned(shaping, lengths(90, 100, 120), { target: { tokens: 100, perToken: 0.01 } })).toEqual(
      close(-0.1, 0, -0.2),
    );
  });

  test('the penalty for length grows over the buffer, and no further than the limit', async () => {
    const options = { overlong: { limit: 100, buffer: 40, penalty: 2 } };
    expect(await earned(shaping, lengths(1, 60, 70, 100, 1000), options)).toEqual(close(0, 0, -0.5, -2, -2));
  });

  test('a final answer earns a bonus; terms add up', async () => {
    const options = { boxed: 0.1, target: { tokens: 2, perToken: 1 } };
    expect(await earned(shaping, [response('4', 2), response(null, 2), response('4', 3)], options)).toEqual(
      close(0.1, 0, -0.9),
    );
  });

  test.each([
    [{}, 'give at least one of target, overlong, boxed'],
    [{ boxed: 0 }, 'options.boxed'],
    [{ overlong: { limit: 10, buffer: 11 } }, 'options.overlong.buffer: must not exceed limit'],
    [{ boxd: 1 }, 'boxd'],
  ])('bad options %j', async (options, words) => {
    await expect(earned(shaping, answers('4'), options)).rejects.toThrow(words);
  });
});

describe('combined', () => {
  const half = { use: 'soft-vote', weight: 0.5 };

  test('a weighted sum of named parts, their options included', async () => {
    const parts = [half, { use: 'shaping', weight: 2, options: { boxed: 0.25 } }];
    // 0.5 * (2/3, 2/3, 0) + 2 * (0.25, 0.25, 0)
    expect(await earned(combine, answers('4', '4', null), { rewards: parts })).toEqual({
      rewards: close(5 / 6, 5 / 6, 0),
      verified: false,
    });
  });

  test("anybody's definition is as good a part", async () => {
    const length: PluginDefinition<undefined> = {
      name: 'length',
      apiVersion: 1,
      ports: { reward: () => (it) => it.answers.map(() => 7) },
    };
    expect(await earned(combine, answers('4', '5'), { rewards: [{ use: length, weight: -1 }] })).toEqual({
      rewards: [-7, -7],
      verified: false,
    });
  });

  test('a part that leaves the group to others adds nothing; where all do, the sum does', async () => {
    const context = pluginContext<'reward'>({ labels: { known: '4' } });
    const request = (id: string) => rewardRequest(answers('4', '5'), id);
    const both = await openPort(combine, 'reward', context, { rewards: [{ use: 'labels', weight: 10 }, half] });
    expect(await both(request('known'), idle)).toEqual({ rewards: [10.25, 0.25], verified: true });
    expect(await both(request('unknown'), idle)).toEqual({ rewards: [0.25, 0.25], verified: false });
    const alone = await openPort(combine, 'reward', context, { rewards: [{ use: 'labels' }] });
    expect(await alone(request('unknown'), idle)).toBeUndefined();
  });

  test('a part that forgets a response is an error that names it', async () => {
    const short: PluginDefinition<undefined> = { name: 'short', apiVersion: 1, ports: { reward: () => () => [1] } };
    await expect(earned(combine, answers('4', '5'), { rewards: [{ use: short }] })).rejects.toThrow(
      'short gave 1 rewards for 2 responses',
    );
  });

  const noReward: PluginDefinition<undefined> = { name: 'no-reward', apiVersion: 1, ports: { watch: () => () => {} } };
  test.each([
    [{ rewards: [] }, 'options.rewards'],
    [{ rewards: [{ use: 'majorty' }] }, "'majority', 'soft-vote'"],
    [{ rewards: [{ use: 'majority', weight: Infinity }] }, 'options.rewards.0.weight'],
    [{ rewards: [{ use: 'shaping', options: { boxed: -1 } }] }, 'plug-in shaping: options.boxed'],
    [{ rewards: [{ use: noReward }] }, 'plug-in no-reward has no port "reward"'],
  ])('bad options %#', async (options, words) => {
    await expect(earned(combine, answers('4'), options)).rejects.toThrow(words);
  });
});
