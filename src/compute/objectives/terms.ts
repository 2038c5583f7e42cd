/** Terms of policy-gradient losses over response tokens, [N, R] each unless a shape is given. */
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Tf } from '../training/token-loss.ts';

/** The ratio is clipped to [1 - low, 1 + high]. */
export interface Clip {
  readonly low: number;
  readonly high: number;
}

export interface ClipSettings extends Clip {
  /** Bound on the loss of tokens with negative advantage (dual clip, Ye et al. 2020, arXiv 1912.09729), 3. */
  readonly dualClip: number;
}

export interface RatioTensors {
  readonly logProbs: Tensor;
  /** log pi under the denominator of the ratio. */
  readonly oldLogProbs: Tensor;
  readonly mask: Tensor;
}

export interface Surrogate {
  readonly loss: Tensor;
  readonly ratio: Tensor;
  /** Whether the clip is active at each token. */
  readonly clipped: Tensor;
}

/** Largest |log ratio|: exp stays finite, and such tokens are clipped anyway. */
const MAX_LOG_RATIO = 20;

const bounded = (tf: Tf, difference: Tensor): Tensor => tf.clipByValue(difference, -MAX_LOG_RATIO, MAX_LOG_RATIO);

/** Returns pi / old of each token. */
export function tokenRatio(tf: Tf, { logProbs, oldLogProbs }: RatioTensors): Tensor {
  return tf.exp(bounded(tf, tf.sub(logProbs, oldLogProbs)));
}

/** (pi / old) ^ (1 / tokens) of each response, [N, 1]: GSPO, arXiv 2507.18071, eq. 7. */
export function sequenceRatio(tf: Tf, { logProbs, oldLogProbs, mask }: RatioTensors): Tensor {
  const lengths = tf.maximum(tf.sum(mask, 1, true), 1);
  return tf.exp(bounded(tf, tf.div(tf.sum(tf.mul(tf.sub(logProbs, oldLogProbs), mask), 1, true), lengths)));
}

/** Returns max(-A r, -A clip(r)), at most dualClip * |A| when A < 0. A clipped token has no gradient. */
export function clippedSurrogate(
  tf: Tf,
  ratio: Tensor,
  advantages: Tensor,
  { low, high, dualClip }: ClipSettings,
): Surrogate {
  const minus = tf.neg(advantages);
  const free = tf.mul(minus, ratio);
  const clipped = tf.mul(minus, tf.clipByValue(ratio, 1 - low, 1 + high));
  const pessimistic = tf.maximum(free, clipped);
  // When A >= 0 the loss is never positive, so the bound dualClip * |A| changes only tokens with A < 0.
  const bound = tf.mul(tf.abs(advantages), dualClip);
  return {
    loss: tf.minimum(pessimistic, bound),
    ratio,
    clipped: tf.logicalOr(tf.greater(clipped, free), tf.greater(pessimistic, bound)),
  };
}

/** Returns the same value without a gradient. */
export function constant(tf: Tf, tensor: Tensor): Tensor {
  return tf.customGrad((x) => ({
    value: tf.mul(x as Tensor, 1),
    gradFunc: (gradient: Tensor) => tf.zerosLike(gradient),
  }))(tensor);
}

/**
 * The k3 estimate of KL(pi || ref): exp(d) - d - 1, d = log pi_ref - log pi (Schulman 2020,
 * joschu.net/blog/kl-approx.html).
 */
export function k3(tf: Tf, logProbs: Tensor, refLogProbs: Tensor): Tensor {
  const distance = bounded(tf, tf.sub(refLogProbs, logProbs));
  return tf.sub(tf.sub(tf.exp(distance), distance), 1);
}

/**
 * Returns the KL penalty, with d = log pi_ref - log pi: k1 = -d, k2 = d^2 / 2, k3, and `unbiased` = k3 * pi / old
 * (DeepSeek-V3.2, arXiv 2512.02556), whose gradient is that of the KL itself.
 */
export function klPenalty(
  tf: Tf,
  estimator: 'k1' | 'k2' | 'unbiased',
  refLogProbs: Tensor,
  tensors: RatioTensors,
): Tensor {
  const { logProbs } = tensors;
  if (estimator === 'unbiased') return tf.mul(tokenRatio(tf, tensors), k3(tf, logProbs, refLogProbs));
  const distance = bounded(tf, tf.sub(refLogProbs, logProbs));
  return estimator === 'k1' ? tf.neg(distance) : tf.mul(tf.square(distance), 0.5);
}
