/** Terms of policy-gradient losses over response tokens, [N, R] each. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tf } from '../training/token-loss.ts';

export interface ClipSettings {
  /** PPO clip range of the ratio, 0.2. */
  readonly clipRange: number;
  /** Bound on the loss of tokens with negative advantage (dual clip, Ye et al. 2020), 3. */
  readonly dualClip: number;
}

/** Largest |log ratio|: exp stays finite, and such tokens are clipped anyway. */
const MAX_LOG_RATIO = 20;

/** pi / old of each token. */
export function tokenRatio(tf: Tf, logProbs: Tensor, oldLogProbs: Tensor): Tensor {
  return tf.exp(tf.clipByValue(tf.sub(logProbs, oldLogProbs), -MAX_LOG_RATIO, MAX_LOG_RATIO));
}

/** max(-A r, -A clip(r, 1 - e, 1 + e)), at most dualClip * |A| where A < 0; and where a clip holds, so that the token teaches nothing. */
export function clippedLoss(tf: Tf, ratio: Tensor, advantages: Tensor, { clipRange, dualClip }: ClipSettings): { loss: Tensor; clipped: Tensor } {
  const minus = tf.neg(advantages);
  const free = tf.mul(minus, ratio);
  const clipped = tf.mul(minus, tf.clipByValue(ratio, 1 - clipRange, 1 + clipRange));
  const pessimistic = tf.maximum(free, clipped);
  // Where A >= 0 the loss is never positive, so a bound of dualClip * |A| changes tokens with A < 0 only.
  const bound = tf.mul(tf.abs(advantages), dualClip);
  return { loss: tf.minimum(pessimistic, bound), clipped: tf.logicalOr(tf.greater(clipped, free), tf.greater(pessimistic, bound)) };
}

/** The k3 estimate of KL(pi || ref): exp(d) - d - 1, d = log pi_ref - log pi (Schulman 2020). */
export function k3(tf: Tf, logProbs: Tensor, refLogProbs: Tensor): Tensor {
  const distance = tf.clipByValue(tf.sub(refLogProbs, logProbs), -MAX_LOG_RATIO, MAX_LOG_RATIO);
  return tf.sub(tf.sub(tf.exp(distance), distance), 1);
}
