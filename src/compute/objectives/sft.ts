/** Supervised fine-tuning on the loop's own responses: cross-entropy on rewarded responses, as a token mean. */
import { z } from 'zod';
import { CROSS_ENTROPY } from '../training/token-loss.ts';
import { defineObjective } from './objective.ts';

export const sft = defineObjective({
  name: 'sft',
  summary: 'imitates rewarded responses',
  settings: z.strictObject({ type: z.literal('sft') }),
  loss: () => CROSS_ENTROPY,
  prepare: (encoded) => ({
    groups: encoded.map(({ prompt, judged: { group, verdict } }) => ({
      prompt,
      // An unrewarded response stays in its place, empty, so that all groups have the same G.
      responses: group.samples.map(({ tokens }, i) => ({ tokens: verdict.rewards[i]! > 0 ? tokens : [] })),
    })),
  }),
});
