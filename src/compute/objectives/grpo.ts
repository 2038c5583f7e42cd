/**
 * GRPO (DeepSeekMath, arXiv 2402.03300): advantages relative to the group, PPO's clip, a KL penalty to the base. The
 * loss is a token mean, as in DAPO.
 */
import { z } from 'zod';
import { policyGradient } from './policy-gradient.ts';

export const grpo = policyGradient({
  name: 'grpo',
  summary: 'follows advantages',
  settings: z.strictObject({ type: z.literal('grpo') }),
});
