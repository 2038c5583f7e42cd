/**
 * Fused building blocks of the model as functions over TF.js tensors: one ONNX Runtime operator if it exists, and a
 * few big ones in the gradient. The automatic tape would make several times as many passes over memory, and passes
 * dominate the cost at small widths.
 */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED } from './fused-names.ts';
import './gradients.ts';

/** Runs one of our own kernels if the current backend has it, otherwise `compose`. */
function native(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, number>,
  compose: () => tf.Tensor[],
): tf.Tensor[] {
  if (!tf.getKernel(kernel, tf.getBackend())) return compose();
  const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(kernel, inputs, attrs);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** 1 / rms of each row: [M, D] -> [M, 1]. */
function inverseRms(x: tf.Tensor2D, epsilon: number): tf.Tensor2D {
  const [sum] = native(FUSED.sumSquares, { x }, {}, () => [tf.sum(tf.square(x), 1, true)]);
  return tf.rsqrt(tf.add(tf.div(sum!, x.shape[1]), epsilon));
}

/**
 * Root-mean-square normalization over the last axis: x / sqrt(mean(x^2) + epsilon) * weight. x [M, D], weight [D] ->
 * [M, D]. The gradient recomputes 1 / rms: the operator's own output of it is wrong on WebGPU (ONNX Runtime 1.30).
 */
export function rmsNorm(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor2D {
  const width = x.shape[1];
  const op = tf.customGrad((x_, weight_, save) => {
    const [input, scale] = [x_ as tf.Tensor2D, weight_ as tf.Tensor1D];
    const compose = (): tf.Tensor[] => [tf.mul(tf.mul(input, inverseRms(input, epsilon)), scale)];
    const [y] = native(FUSED.rmsNorm, { x: input, weight: scale }, { epsilon }, compose);
    (save as tf.GradSaveFunc)([input, scale]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x2, w] = saved as [tf.Tensor2D, tf.Tensor1D];
      const r = inverseRms(x2, epsilon);
      const normalized = tf.mul(x2, r);
      const product = tf.mul<tf.Tensor2D>(dy, normalized);
      // mean(dy * w * normalized) as a product with the vector w.
      const mean = tf.div(tf.matMul(product, tf.reshape(w, [width, 1])), width);
      return [tf.mul(tf.sub(tf.mul(dy, w), tf.mul(normalized, mean)), r), tf.sum(product, 0)];
    };
    return { value: y!, gradFunc };
  });
  return op(x, weight) as tf.Tensor2D;
}

function silu(x: tf.Tensor): tf.Tensor {
  return native(FUSED.silu, { x }, {}, () => [tf.mul(x, tf.sigmoid(x))])[0]!;
}

/** SwiGLU's gate: silu(gate) * up. Both [M, F]. */
export function swiglu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((gate_, up_, save) => {
    const [g0, u0] = [gate_ as tf.Tensor, up_ as tf.Tensor];
    const activated = silu(g0);
    (save as tf.GradSaveFunc)([g0, u0, activated]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [g, u, a] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      // silu'(g) = s (1 + g (1 - s)) = s (1 + g - a), with s = sigmoid(g) and a = g s.
      const slope = tf.mul(tf.sigmoid(g), tf.add(tf.sub(g, a), 1));
      return [tf.mul(tf.mul(dy, u), slope), tf.mul(dy, a)];
    };
    return { value: tf.mul(activated, u0), gradFunc };
  });
  return op(gate, up) as tf.Tensor2D;
}

function rotate(x: tf.Tensor3D, cos: tf.Tensor2D, sin: tf.Tensor2D): tf.Tensor3D {
  const rotated = native(FUSED.rope, { x, cos, sin }, {}, () => {
    const [first, second] = tf.split(x, 2, -1) as [tf.Tensor3D, tf.Tensor3D];
    const [c, s] = [tf.expandDims(cos, 1), tf.expandDims(sin, 1)];
    return [tf.concat([tf.sub(tf.mul(first, c), tf.mul(second, s)), tf.add(tf.mul(second, c), tf.mul(first, s))], -1)];
  });
  return rotated[0] as tf.Tensor3D;
}

/**
 * Rotary position embedding, rotate-half convention: pairs (i, i + hd / 2) of each head turn by the row's angle i.
 * x [M, H, hd], cos and sin [M, hd / 2] (the angles once, not twice over) -> [M, H, hd]. No gradient to cos and sin.
 */
export function rope(x: tf.Tensor3D, cos: tf.Tensor2D, sin: tf.Tensor2D): tf.Tensor3D {
  const op = tf.customGrad((x_, save) => {
    (save as tf.GradSaveFunc)([cos, sin]);
    // A rotation's transpose is the rotation back.
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      rotate(dy as tf.Tensor3D, saved[0] as tf.Tensor2D, tf.neg(saved[1] as tf.Tensor2D));
    return { value: rotate(x_ as tf.Tensor3D, cos, sin), gradFunc };
  });
  return op(x);
}

/**
 * Rows of an embedding table. weight [V, D], ids [M] int32 -> [M, D]. The gradient is a one-hot matmul (scatter races
 * under threads).
 */
export function embed(weight: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  return tf.gather(weight, ids);
}

/** tf.logSoftmax over the last axis, as one operator if it exists: TF.js composes it of five. */
function logProbabilities(logits: tf.Tensor2D): tf.Tensor2D {
  return native(tf.LogSoftmax, { logits }, { axis: 1 }, () => [tf.logSoftmax(logits)])[0] as tf.Tensor2D;
}

/** The element of each row of x [M, V] that `ids` [M] int32 names -> [M, 1]. */
function chosen(x: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const compose = (): tf.Tensor[] => [tf.sum(tf.mul(x, hot(ids, x.shape[1]!)), 1, true)];
  return native(FUSED.chosen, { x, ids }, {}, compose)[0]!;
}

/** x [M, V] with `values` [M, 1] at the elements that `ids` [M] int32 names. */
function withChosen(x: tf.Tensor, ids: tf.Tensor, values: tf.Tensor): tf.Tensor {
  const compose = (): tf.Tensor[] => [tf.where(tf.cast(hot(ids, x.shape[1]!), 'bool'), values, x)];
  return native(FUSED.withChosen, { x, ids, values }, {}, compose)[0]!;
}

const hot = (ids: tf.Tensor, depth: number): tf.Tensor => tf.oneHot(tf.cast(ids, 'int32'), depth, 1, 0, 'float32');

/**
 * Log-probability of each row's token and the entropy of its distribution, in nats.
 * logits [M, V], ids [M] int32 -> both [M].
 */
export function tokenLogProb(logits: tf.Tensor2D, ids: tf.Tensor1D): { logProb: tf.Tensor1D; entropy: tf.Tensor1D } {
  const pick = tf.customGrad((logits_, save) => {
    const logProbs = logProbabilities(logits_ as tf.Tensor2D);
    (save as tf.GradSaveFunc)([logProbs, ids]);
    // d log p / d logit = [it is the token's] - p
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const [logP, tokens] = saved as [tf.Tensor, tf.Tensor];
      const column = tf.expandDims(dy, 1);
      const own = tf.mul(column, tf.sub(1, tf.exp(chosen(logP, tokens))));
      return withChosen(tf.mul(tf.neg(column), tf.exp(logP)), tokens, own);
    };
    return { value: tf.squeeze(chosen(logProbs, ids), [1]), gradFunc };
  });
  const measure = tf.customGrad((logits_, save) => {
    const entropyOf = (logProbs: tf.Tensor): tf.Tensor => tf.neg(tf.sum(tf.mul(tf.exp(logProbs), logProbs), 1));
    (save as tf.GradSaveFunc)([logits_ as tf.Tensor]);
    // d H / d logit = -p (log p + H)
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const logProbs = logProbabilities(saved[0] as tf.Tensor2D);
      const surprise = tf.add(logProbs, tf.expandDims(entropyOf(logProbs), 1));
      return tf.neg(tf.mul(tf.expandDims(dy, 1), tf.mul(tf.exp(logProbs), surprise)));
    };
    return { value: entropyOf(logProbabilities(logits_ as tf.Tensor2D)), gradFunc };
  });
  return { logProb: pick(logits) as tf.Tensor1D, entropy: measure(logits) as tf.Tensor1D };
}

export interface GroupQueryAttention {
  /** Queries of the new token, [B, 1, numHeads * hd]. */
  readonly q: tf.Tensor3D;
  /** Key and value of the new token, [B, 1, kvHeads * hd]. */
  readonly k: tf.Tensor3D;
  readonly v: tf.Tensor3D;
  /** The caches, [B, kvHeads, T, hd]. */
  readonly pastKey: tf.Tensor4D;
  readonly pastValue: tf.Tensor4D;
  /** Where each row's new token is written, [B] int32: the number of tokens already in its cache. */
  readonly seqlensK: tf.Tensor1D;
  /** T as an int32 scalar: the operator takes it as a tensor. */
  readonly totalLength: tf.Scalar;
}

export interface GroupQueryAttentionOptions {
  readonly numHeads: number;
  readonly kvHeads: number;
  readonly scale: number;
}

/**
 * One decoding step of grouped-query attention over a key-value cache: writes the new token at `seqlensK`, attends to
 * it and everything before it. Name the presents in a program's `inPlace` to update the cache without a copy. What the
 * slots behind the new token hold is not specified. No gradient.
 */
export function groupQueryAttention(
  inputs: GroupQueryAttention,
  options: GroupQueryAttentionOptions,
): { out: tf.Tensor3D; presentKey: tf.Tensor4D; presentValue: tf.Tensor4D } {
  const [out, presentKey, presentValue] = native(FUSED.groupQueryAttention, { ...inputs }, { ...options }, () =>
    composedAttention(inputs, options),
  );
  return { out: out as tf.Tensor3D, presentKey: presentKey as tf.Tensor4D, presentValue: presentValue as tf.Tensor4D };
}

function composedAttention(
  { q, k, v, pastKey, pastValue, seqlensK }: GroupQueryAttention,
  { numHeads, kvHeads, scale }: GroupQueryAttentionOptions,
): tf.Tensor[] {
  const [batch, , length, size] = pastKey.shape;
  const position = tf.reshape(seqlensK, [batch, 1, 1, 1]);
  const slots = tf.reshape(tf.range(0, length, 1, 'int32'), [1, 1, length, 1]);
  const written = tf.equal(slots, position);
  const write = (token: tf.Tensor3D, past: tf.Tensor4D): tf.Tensor4D =>
    tf.where(written, tf.reshape(token, [batch, kvHeads, 1, size]), past);
  const [presentKey, presentValue] = [write(k, pastKey), write(v, pastValue)];
  const queries = tf.reshape(q, [batch, kvHeads, numHeads / kvHeads, size]);
  const scores = tf.mul(tf.matMul(queries, presentKey, false, true), scale);
  const visible = tf.lessEqual(tf.reshape(slots, [1, 1, 1, length]), position);
  const weights = tf.softmax(tf.where(visible, scores, tf.scalar(-1e30)));
  return [tf.reshape(tf.matMul(weights, presentValue), [batch, 1, numHeads * size]), presentKey, presentValue];
}
