/**
 * DAPO (arXiv 2503.14476): GRPO with a higher upper clip, so that unlikely tokens can become likelier, a token mean
 * (eq. 8), and a reward that falls for responses near the longest length (eq. 13). The filter `filters.dropAllAgree`
 * is its dynamic sampling. The paper has no KL penalty; `learner.klCoefficient` applies here as to the other
 * objectives.
 */
import { z } from 'zod';
import { policyGradient } from './policy-gradient.ts';

export const dapo = policyGradient({
  name: 'dapo',
  summary: 'follows advantages with a higher upper clip and a lower reward for overlong responses',
  settings: z.strictObject({
    type: z.literal('dapo'),
    overlongShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe('The last share of `sampling.maxNewTokens`, over which the reward of a response falls by 1; 0 is off.'),
  }),
  clip: { low: 0.2, high: 0.28 },
  shaping: ({ tokens }, { objective, maxNewTokens }) => overlong(tokens.length, maxNewTokens, objective.overlongShare),
});

/** Returns 0 up to `max - buffer` tokens, then falls linearly to -1 at `max` (eq. 13), with buffer = share * max. */
export function overlong(length: number, max: number, share: number): number {
  const buffer = share * max;
  return buffer === 0 ? 0 : Math.max(-1, Math.min(0, (max - buffer - length) / buffer));
}
