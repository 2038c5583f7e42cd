/**
 * What a training program minimises. The trainer is handed it and knows no objective. TensorFlow.js is a parameter of
 * `build`, so that a loss can be named, and its settings read, where no tensor is loaded.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

export type Tf = typeof TensorFlow;

/**
 * Of N responses with R token slots, [N, R] each. Padding has weight and mask 0; what else stands there means nothing,
 * but it is finite.
 */
export interface LossTensors {
  /** log pi of the response tokens under the policy that is being learnt. It and `entropy` have gradients. */
  readonly logProbs: Tensor;
  /** Of the distribution that each token was drawn from, in nats. */
  readonly entropy: Tensor;
  /**
   * Token weights; by default 1 / (tokens of the whole mini-batch), so that sums over micro-batches are token means.
   */
  readonly weights: Tensor;
  /** 1 at response tokens. */
  readonly mask: Tensor;
  /** By the names in `inputs`. */
  readonly values: Readonly<Record<string, Tensor>>;
}

/**
 * Scalars, each a sum over the micro-batch: the trainer adds them up over the mini-batch. All but `loss` are metrics.
 */
export type LossTerms = Readonly<Record<'loss' | 'entropy', Scalar>> & Readonly<Record<string, Scalar>>;

export interface TokenLoss {
  /**
   * Tells it from every other loss: a compiled program is found again by it. It holds each setting that `build` reads.
   */
  readonly name: string;
  /** Logits are divided by it. */
  readonly temperature: number;
  /** Names of the values that a response brings for each token. */
  readonly inputs: readonly string[];
  build(tf: Tf, tensors: LossTensors): LossTerms;
}

/** A loss whose name is its settings. */
export function tokenLoss<Settings extends { readonly type: string; readonly temperature: number }>(
  settings: Settings,
  inputs: readonly string[],
  build: (tf: Tf, tensors: LossTensors, settings: Settings) => LossTerms,
): TokenLoss {
  const { temperature } = settings;
  return { name: JSON.stringify(settings), temperature, inputs, build: (tf, tensors) => build(tf, tensors, settings) };
}

/** Cross-entropy on the responses: -sum(weights * log pi). */
export const CROSS_ENTROPY = tokenLoss(
  { type: 'cross-entropy', temperature: 1 },
  [],
  (tf, { logProbs, entropy, weights }) => ({
    loss: tf.neg(tf.sum(tf.mul(logProbs, weights))),
    entropy: tf.sum(tf.mul(entropy, weights)),
  }),
);
