/**
 * The weighted sum of other rewards. A part that returns undefined adds nothing; if all do, the sum is undefined. The
 * sum is verified if one of its parts is: that part knows the truth.
 */
import { API_VERSION, definePlugin, openPort, type Rewarded, type RewardReply } from 'quorum';
import { z } from 'zod';
import entropyWeighted from './entropy-weighted.ts';
import labels from './labels.ts';
import majority from './majority.ts';
import selfCertainty from './self-certainty.ts';
import shaping from './shaping.ts';
import { partSchema, type Definition } from './shared/parts.ts';
import softVote from './soft-vote.ts';

const BUILT_IN = ['majority', 'soft-vote', 'entropy-weighted', 'self-certainty', 'labels', 'shaping'] as const;
const DEFINITIONS: Readonly<Record<(typeof BUILT_IN)[number], unknown>> = {
  majority,
  'soft-vote': softVote,
  'entropy-weighted': entropyWeighted,
  'self-certainty': selfCertainty,
  labels,
  shaping,
};

const part = z.strictObject({
  use: partSchema(BUILT_IN).describe('Name of a built-in reward, or a definition.'),
  weight: z.number().default(1).describe('What its rewards are multiplied by; below 0 it punishes.'),
  options: z.unknown().optional().describe('Its own options.'),
});

export default definePlugin({
  name: 'combine',
  apiVersion: API_VERSION,
  options: z.strictObject({
    rewards: z
      .array(part)
      .min(1)
      .max(64)
      .describe(
        '`{use, weight, options}`: `use` is a built-in reward by its name (`majority`, `shaping` ...), or the result of definePlugin.',
      ),
  }),
  ports: {
    reward: async (context) => {
      const parts = await Promise.all(
        context.options.rewards.map(async ({ use, weight, options }) => {
          const definition = (typeof use === 'string' ? DEFINITIONS[use] : use) as Definition;
          return { name: definition.name, weight, reward: await openPort(definition, 'reward', context, options) };
        }),
      );
      return async (request, signal) => {
        const rewards = request.answers.map(() => 0);
        let contributed = false;
        let verified = false;
        for (const { name, weight, reward } of parts) {
          const earned = given(await reward(request, signal));
          if (earned === undefined) continue;
          if (earned.rewards.length !== rewards.length)
            throw new Error(`${name} gave ${earned.rewards.length} rewards for ${rewards.length} responses`);
          earned.rewards.forEach((value, i) => (rewards[i]! += weight * value));
          contributed = true;
          verified ||= earned.verified === true;
        }
        return contributed ? { rewards, verified } : undefined;
      };
    },
  },
});

function given(reply: RewardReply): Rewarded | undefined {
  return reply === undefined || 'rewards' in reply ? reply : { rewards: reply };
}
