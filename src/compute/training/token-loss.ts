/**
 * The function that a training program minimises. The trainer receives it and knows no objective. TensorFlow.js is a
 * parameter of `build`, so that code without TensorFlow.js can name a loss and read its settings.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';

export type Tf = typeof TensorFlow;

/**
 * Tensors of N responses with R token slots, [N, R] each. Padding has weight and mask 0; its other values are
 * unspecified but finite.
 */
export interface LossTensors {
  /** log pi of the response tokens under the trained policy. Gradients flow through it and `entropy`. */
  readonly logProbs: Tensor;
  /** Entropy of the distribution from which each token was drawn, in nats. */
  readonly entropy: Tensor;
  /**
   * Token weights; by default 1 / (tokens of the whole mini-batch), so that sums over micro-batches are token means.
   */
  readonly weights: Tensor;
  /** 1 at response tokens. */
  readonly mask: Tensor;
  /** Keyed by the names in `inputs`. */
  readonly values: Readonly<Record<string, Tensor>>;
}

/**
 * Scalars, each a sum over the micro-batch: the trainer adds them up over the mini-batch. All but `loss` are metrics.
 */
export type LossTerms = Readonly<Record<'loss' | 'entropy', Scalar>> & Readonly<Record<string, Scalar>>;

export interface TokenLoss {
  /** The unique name of the loss, by which a compiled program is cached. It encodes each setting that `build` reads. */
  readonly name: string;
  /** The divisor of the logits. */
  readonly temperature: number;
  /** Names of the values that a response has for each token. */
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
