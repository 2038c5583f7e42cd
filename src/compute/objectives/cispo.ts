/**
 * CISPO (MiniMax-M1, arXiv 2506.13585, eq. 4 and 5): -sg(clip(r)) A log pi. The clip bounds the importance weight,
 * which has no gradient, instead of the update, so that every token keeps teaching. The paper has no lower bound and
 * does not state its upper bound; 5 is ScaleRL's (arXiv 2510.13786).
 */
import { z } from 'zod';
import { policyGradient } from './policy-gradient.ts';
import { constant, tokenRatio } from './terms.ts';

export const cispo = policyGradient({
  name: 'cispo',
  summary: 'follows advantages by clipped importance weights, so that no token stops teaching',
  settings: z.strictObject({ type: z.literal('cispo') }),
  clip: { low: 1, high: 4 },
  surrogate: (tf, tensors, { low, high }) => {
    const ratio = constant(tf, tokenRatio(tf, tensors));
    const weight = tf.clipByValue(ratio, 1 - low, 1 + high);
    const loss = tf.neg(tf.mul(tf.mul(weight, tensors.advantages), tensors.logProbs));
    return { loss, ratio, clipped: tf.notEqual(weight, ratio) };
  },
});
