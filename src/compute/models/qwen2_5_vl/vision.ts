/**
 * The vision tower: patches [N, C*T*p*p] -> image tokens [N / merge^2, D of the decoder]. Weight names as on the hub:
 * `visual.*`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { VisionConfig } from './config.ts';
import type { Tensors } from '../family.ts';
import { attend, linear, mlp, norm, permuteRows, pick, rotate, type Rotary } from '../tensors.ts';
import type { Segments, VisionShape } from './vision-plan.ts';

/** Epsilon of every norm in the tower; fixed in the reference implementation. */
const EPS = 1e-6;

export function visionForward(weights: Tensors, inputs: Tensors, config: VisionConfig, shape: VisionShape): Tensor {
  const permuted = shape.window?.permuted ?? false;
  let x = linear(weights, 'visual.patch_embed.proj', pick(inputs, 'patches'));
  if (permuted) x = permuteBlocks(x, config, pick(inputs, 'visionOrder'), pick(inputs, 'visionInverse'));
  const rotary = { cos: pick(inputs, 'visionCos'), sin: pick(inputs, 'visionSin') };
  for (let i = 0; i < config.depth; i++) {
    const name = `visual.blocks.${i}`;
    const isFull = config.fullAttentionBlocks.includes(i) || !shape.window;
    const normed = norm(weights, `${name}.norm1.weight`, x, EPS);
    x = tf.add(x, isFull ? attention(normed, 'full', shape.full) : attention(normed, 'window', shape.window));
    x = tf.add(x, mlp(weights, `${name}.mlp`, norm(weights, `${name}.norm2.weight`, x, EPS)));

    function attention(rows: Tensor, kind: 'full' | 'window', segments: Segments): Tensor {
      return segmentAttention(weights, `${name}.attn`, rows, rotary, segments, inputs, kind, config);
    }
  }
  const merged = merge(weights, x, config);
  return permuted ? permuteRows(merged, pick(inputs, 'visionInverse'), pick(inputs, 'visionOrder')) : merged;
}

/** Moves blocks of merge^2 patches, the unit of the window order. */
function permuteBlocks(x: Tensor, config: VisionConfig, order: Tensor, inverse: Tensor): Tensor {
  const blocks = tf.reshape(x, [-1, config.mergeSize ** 2 * config.hiddenSize]);
  return tf.reshape(permuteRows(blocks, order, inverse), [-1, config.hiddenSize]);
}

function segmentAttention(
  weights: Tensors,
  name: string,
  x: Tensor,
  rotary: Rotary,
  segments: Segments,
  inputs: Tensors,
  kind: 'full' | 'window',
  config: VisionConfig,
): Tensor {
  const { heads, headDim, hiddenSize } = config;
  const { count, size, padded } = segments;
  const rows = x.shape[0];
  const qkv = tf.reshape(linear(weights, `${name}.qkv`, x), [rows, 3 * heads, headDim]);
  const [queries, keys, values] = tf.split(qkv, 3, 1) as [Tensor, Tensor, Tensor];
  const slots = padded ? pick(inputs, `${kind}Slots`) : undefined;
  const split = (t: Tensor): Tensor => {
    const flat = tf.reshape(t, [rows, hiddenSize]);
    const placed = slots ? permuteRows(flat, slots, pick(inputs, `${kind}Rows`)) : flat;
    return tf.reshape(tf.transpose(tf.reshape(placed, [count, size, heads, headDim]), [0, 2, 1, 3]), [
      count * heads,
      size,
      headDim,
    ]);
  };
  const q = split(tf.mul(rotate(queries, rotary), headDim ** -0.5));
  const k = split(rotate(keys, rotary));
  const mask = padded ? { view: [count, heads, size, size], value: pick(inputs, `${kind}Mask`) } : undefined;
  const mixed = tf.reshape(attend(q, k, split(values), mask), [count, heads, size, headDim]);
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [count * size, hiddenSize]);
  const kept = slots ? permuteRows(joined, pick(inputs, `${kind}Rows`), slots, pick(inputs, `${kind}Used`)) : joined;
  return linear(weights, `${name}.proj`, kept);
}

/** Joins each block of merge^2 patches into one token. */
function merge(weights: Tensors, x: Tensor, config: VisionConfig): Tensor {
  const normed = norm(weights, 'visual.merger.ln_q.weight', x, EPS);
  const blocks = tf.reshape(normed, [-1, config.mergeSize ** 2 * config.hiddenSize]);
  return linear(weights, 'visual.merger.mlp.2', gelu(linear(weights, 'visual.merger.mlp.0', blocks)));
}

/** Exact GELU, x * Phi(x). */
function gelu(x: Tensor): Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}
