/**
 * Dr. GRPO (arXiv 2503.20783): GRPO without its two biases. Advantages are reward - mean, not divided by the group's
 * standard deviation, and the sum over a response's tokens is divided by a constant instead of its length.
 */
import { z } from 'zod';
import { policyGradient } from './policy-gradient.ts';

export const drGrpo = policyGradient({
  name: 'dr-grpo',
  summary: 'follows advantages that neither length nor standard deviation normalises',
  settings: z.strictObject({ type: z.literal('dr-grpo') }),
  aggregation: 'fixed-length',
  normaliseStd: false,
});
