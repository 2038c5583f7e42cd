/** Small tensor functions that families share. Rows are always [N, D]: weights multiply 2-D tensors only. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { rmsNorm, rope, swiglu } from '../compile/operators.ts';
import { addLora } from './lora-linear.ts';
import type { Tensors } from './family.ts';

/** @throws RangeError naming the missing input. */
export function pick(tensors: Tensors, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new RangeError(`program has no input "${name}"`);
  return tensor;
}

/**
 * Applies the linear layer `name`; no other function multiplies rows by a weight. The result is x [N, in] times
 * `${name}.weight` [out, in], plus `${name}.bias` [out] if present, plus the term of an adapter of the layer. The
 * kernel of a convolution whose stride is its size is also viewed as [out, in].
 */
export function linear(weights: Tensors, name: string, x: Tensor): Tensor {
  const weight = pick(weights, `${name}.weight`);
  const product = tf.matMul(x, weight.rank === 2 ? weight : tf.reshape(weight, [weight.shape[0], -1]), false, true);
  const bias = weights[`${name}.bias`];
  return addLora(weights, name, x, bias ? tf.add(product, bias) : product);
}

/** Applies the root-mean-square norm with the weight `name` to rows [N, D]. */
export function norm(weights: Tensors, name: string, x: Tensor, epsilon: number): Tensor {
  return rmsNorm(x as Tensor2D, pick(weights, name) as Tensor1D, epsilon);
}

/** Gated MLP: down(silu(gate(x)) * up(x)). */
export function mlp(weights: Tensors, name: string, x: Tensor): Tensor {
  const gate = linear(weights, `${name}.gate_proj`, x) as Tensor2D;
  return linear(weights, `${name}.down_proj`, swiglu(gate, linear(weights, `${name}.up_proj`, x) as Tensor2D));
}

/** cos and sin of every row's angles, [N, hd / 2] each. */
export interface Rotary {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** Rotates every head of x [N, H, hd]. */
export function rotate(x: Tensor, rotary: Rotary): Tensor {
  return rope(x as Tensor3D, rotary.cos as Tensor2D, rotary.sin as Tensor2D);
}

/**
 * Gathers rows of x [N, D] in the order `index` [M]. The gradient is a gather too, because each row of x appears at
 * most once in the result: `inverse` [N] gives its place. Rows that do not appear have 0 in `wanted` [N, 1] and get no
 * gradient.
 */
export function permuteRows(x: Tensor, index: Tensor, inverse: Tensor, wanted?: Tensor): Tensor {
  const run = tf.customGrad((rows) => ({
    value: tf.gather(rows as Tensor2D, index as Tensor1D),
    gradFunc: (dy: Tensor) => {
      const back = tf.gather(dy as Tensor2D, inverse);
      return wanted ? tf.mul(back, wanted) : back;
    },
  }));
  return run(x);
}

/** The source of each row of a mixture of token and image rows. */
export interface RowPlaces {
  /** [N]: row i of the result is row `source[i]` of tokens and images concatenated. */
  readonly source: Tensor;
  /** [N, 1]: 1 for a token that keeps its own row. */
  readonly isText: Tensor;
  /** [M]: the one place of each image row in the result. Without it the image rows get no gradient. */
  readonly imageRows?: Tensor;
}

/** Inserts image rows [M, D] among token rows [N, D]. */
export function mixRows(tokens: Tensor, images: Tensor, { source, isText, imageRows }: RowPlaces): Tensor {
  const mixed = (text: Tensor, image: Tensor): Tensor =>
    tf.gather(tf.concat([text as Tensor2D, image as Tensor2D], 0), source);
  const textOf = (dy: Tensor): Tensor => tf.mul(dy, isText);
  if (!imageRows) return tf.customGrad((text) => ({ value: mixed(text as Tensor, images), gradFunc: textOf }))(tokens);
  const run = tf.customGrad((text, image) => ({
    value: mixed(text as Tensor, image as Tensor),
    gradFunc: (dy: Tensor) => [textOf(dy), tf.gather(dy as Tensor2D, imageRows)],
  }));
  return run(tokens, images);
}

/**
 * Computes softmax attention of q [B, L, hd] over k, v [B, S, hd]; `mask` is added to the scores viewed as `maskView`,
 * whose last axis is S.
 */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  mask?: { readonly view: readonly number[]; readonly value: Tensor },
): Tensor {
  let scores: Tensor = tf.matMul(q, k, false, true);
  if (mask) scores = tf.reshape(tf.add(tf.reshape(scores, [...mask.view]), mask.value), scores.shape);
  return tf.matMul(tf.softmax(scores), v);
}
