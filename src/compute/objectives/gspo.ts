/**
 * GSPO (arXiv 2507.18071): one importance ratio for each response, the geometric mean of its tokens' ratios (eq. 7),
 * which is clipped (eq. 5) much nearer to 1 than a token's; the paper's bounds are the default. The loss is a mean
 * over responses.
 */
import { z } from 'zod';
import { policyGradient } from './policy-gradient.ts';
import { clippedSurrogate, sequenceRatio } from './terms.ts';

export const gspo = policyGradient({
  name: 'gspo',
  summary: 'follows advantages with one importance ratio for each response',
  settings: z.strictObject({ type: z.literal('gspo') }),
  clip: { low: 3e-4, high: 4e-4 },
  aggregation: 'sequence-mean',
  surrogate: (tf, tensors, clip) => clippedSurrogate(tf, sequenceRatio(tf, tensors), tensors.advantages, clip),
});
