/**
 * Objectives of the learner over response log-probabilities, [N, R] each: N responses, R token slots. They build tensors for a training
 * program; what they are given besides log-probabilities are plain numbers computed before (advantages, importance weights).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

/** Static settings of GRPO; they are part of a program's name. */
export interface GrpoSettings {
  /** PPO clip range of the ratio, 0.2. */
  readonly clipRange: number;
  /** Bound on the loss of tokens with negative advantage (dual clip, Ye et al. 2020), 3. */
  readonly dualClip: number;
  /** Weight of the KL penalty to the reference. */
  readonly klCoefficient: number;
}

export interface GrpoInputs {
  /** log pi of the response tokens under the policy that is being learnt: the only one with a gradient. */
  readonly logProbs: Tensor;
  /** log pi under the policy the ratio is clipped around: the sampler's, or the proximal one for stale groups. */
  readonly oldLogProbs: Tensor;
  /** log pi under the frozen base. */
  readonly refLogProbs: Tensor;
  /** Per token, times the token's importance weight. */
  readonly advantages: Tensor;
  /** Token weights: 1 / (tokens of the whole mini-batch) at response tokens, 0 at padding. Sums over micro-batches are then token means. */
  readonly weights: Tensor;
}

/** Scalars; each is a token mean once summed over the micro-batches. */
export interface GrpoTerms {
  readonly loss: Scalar;
  readonly kl: Scalar;
  /** Share of tokens for which a clip holds, so that they teach nothing. */
  readonly clipFraction: Scalar;
  readonly ratio: Scalar;
}

/** Largest |log ratio|: exp stays finite, and such tokens are clipped anyway. */
const MAX_LOG_RATIO = 20;

/**
 * max(-A r, -A clip(r, 1 - e, 1 + e)), at most dualClip * |A| where A < 0, plus klCoefficient times the k3 estimate
 * exp(d) - d - 1, d = log pi_ref - log pi (Schulman 2020).
 */
export function grpoLoss({ logProbs, oldLogProbs, refLogProbs, advantages, weights }: GrpoInputs, settings: GrpoSettings): GrpoTerms {
  const logRatio = tf.clipByValue(tf.sub(logProbs, oldLogProbs), -MAX_LOG_RATIO, MAX_LOG_RATIO);
  const ratio = tf.exp(logRatio);
  const minus = tf.neg(advantages);
  const free = tf.mul(minus, ratio);
  const clipped = tf.mul(minus, tf.clipByValue(ratio, 1 - settings.clipRange, 1 + settings.clipRange));
  const pessimistic = tf.maximum(free, clipped);
  // Where A >= 0 the loss is never positive, so a bound of dualClip * |A| changes tokens with A < 0 only.
  const bound = tf.mul(tf.abs(advantages), settings.dualClip);
  const policy = tf.minimum(pessimistic, bound);
  const isClipped = tf.logicalOr(tf.greater(clipped, free), tf.greater(pessimistic, bound));
  const distance = tf.clipByValue(tf.sub(refLogProbs, logProbs), -MAX_LOG_RATIO, MAX_LOG_RATIO);
  const kl = tf.sub(tf.sub(tf.exp(distance), distance), 1);
  const mean = (values: Tensor): Scalar => tf.sum(tf.mul(values, weights));
  const klMean = mean(kl);
  return {
    loss: tf.add(mean(policy), tf.mul(klMean, settings.klCoefficient)),
    kl: klMean,
    clipFraction: mean(tf.cast(isClipped, 'float32')),
    ratio: mean(ratio),
  };
}

/** Cross-entropy, a token mean: -sum(weights * log pi). */
export function crossEntropy(logProbs: Tensor, weights: Tensor): Scalar {
  return tf.neg(tf.sum(tf.mul(logProbs, weights)));
}
