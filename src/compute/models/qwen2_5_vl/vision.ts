/**
 * The vision tower: patches [N, C*T*p*p] -> image tokens [N / merge^2, D of the decoder]. Weight names as on the hub:
 * `visual.*`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { VisionConfig } from './config.ts';
import type { Tensors } from '../family.ts';
import { attend, linear, mlp, norm, permuteRows, pick, rotate, type Rotary } from '../tensors.ts';
import type { QwenTowerStage } from './tower-plan.ts';
import type { Segments, VisionShape } from './vision-plan.ts';

/** Epsilon of every norm in the tower; fixed in the reference implementation. */
const EPS = 1e-6;

/**
 * The most scores that one product of queries and keys holds; it bounds the memory of attention over a large picture.
 */
const MOST_SCORES = 2 ** 24;

/** Rows attend to each other within `count` segments of `size` slots. */
interface Segmented {
  readonly count: number;
  readonly size: number;
  /** [count, 1, 1, size], the slots that are keys; absent when all are. */
  readonly mask?: Tensor;
  /** The slots of the rows; absent when the rows already lie in their slots. */
  readonly moved?: { readonly slots: Tensor; readonly rows: Tensor; readonly used: Tensor };
}

/** Runs all pictures of a batch at once; each block uses the attention of its segments. */
export function visionForward(weights: Tensors, inputs: Tensors, config: VisionConfig, shape: VisionShape): Tensor {
  const permuted = shape.window?.permuted ?? false;
  let x = linear(weights, 'visual.patch_embed.proj', pick(inputs, 'patches'));
  if (permuted) x = permuteBlocks(x, config, pick(inputs, 'visionOrder'), pick(inputs, 'visionInverse'));
  const full = segmented(inputs, 'full', shape.full);
  const window = shape.window && segmented(inputs, 'window', shape.window);
  for (let i = 0; i < config.depth; i++) {
    const isFull = config.fullAttentionBlocks.includes(i) || !window;
    x = block(weights, inputs, config, i, x, isFull ? full : window);
  }
  const merged = merge(weights, x, config);
  return permuted ? permuteRows(merged, pick(inputs, 'visionInverse'), pick(inputs, 'visionOrder')) : merged;
}

function segmented(inputs: Tensors, kind: 'full' | 'window', { count, size, padded }: Segments): Segmented {
  if (!padded) return { count, size };
  const input = (name: string): Tensor => pick(inputs, `${kind}${name}`);
  const moved = { slots: input('Slots'), rows: input('Rows'), used: input('Used') };
  return { count, size, mask: input('Mask'), moved };
}

/** Runs some blocks over one picture, whose rows lie in the slots of its windows. */
export function towerStage(weights: Tensors, inputs: Tensors, config: VisionConfig, stage: QwenTowerStage): Tensor {
  const { from, to, windows, slots } = stage;
  const mask = pick(inputs, 'slotMask');
  const all = windows * slots;
  const full = { count: 1, size: all, mask: tf.reshape(mask, [1, 1, 1, all]) };
  const window = { count: windows, size: slots, mask };
  let x = from === 0 ? linear(weights, 'visual.patch_embed.proj', pick(inputs, 'patches')) : pick(inputs, 'towerRows');
  for (let i = from; i < to; i++)
    x = block(weights, inputs, config, i, x, config.fullAttentionBlocks.includes(i) ? full : window);
  return to === config.depth ? merge(weights, x, config) : x;
}

function block(
  weights: Tensors,
  inputs: Tensors,
  config: VisionConfig,
  layer: number,
  x: Tensor,
  segments: Segmented,
): Tensor {
  const name = `visual.blocks.${layer}`;
  const rotary = { cos: pick(inputs, 'visionCos'), sin: pick(inputs, 'visionSin') };
  const normed = norm(weights, `${name}.norm1.weight`, x, EPS);
  const attended = tf.add(x, segmentAttention(weights, `${name}.attn`, normed, rotary, segments, config));
  return tf.add(attended, mlp(weights, `${name}.mlp`, norm(weights, `${name}.norm2.weight`, attended, EPS)));
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
  segments: Segmented,
  config: VisionConfig,
): Tensor {
  const { heads, headDim, hiddenSize } = config;
  const { count, size, moved } = segments;
  const rows = x.shape[0];
  const qkv = tf.reshape(linear(weights, `${name}.qkv`, x), [rows, 3 * heads, headDim]);
  const [queries, keys, values] = tf.split(qkv, 3, 1) as [Tensor, Tensor, Tensor];
  const split = (t: Tensor): Tensor => {
    const flat = tf.reshape(t, [rows, hiddenSize]);
    const placed = moved ? permuteRows(flat, moved.slots, moved.rows) : flat;
    return tf.reshape(tf.transpose(tf.reshape(placed, [count, size, heads, headDim]), [0, 2, 1, 3]), [
      count * heads,
      size,
      headDim,
    ]);
  };
  const q = split(tf.mul(rotate(queries, rotary), headDim ** -0.5));
  const k = split(rotate(keys, rotary));
  const mixed = tf.reshape(attendInParts(q, k, split(values), segments), [count, heads, size, headDim]);
  const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [count * size, hiddenSize]);
  return linear(weights, `${name}.proj`, moved ? permuteRows(joined, moved.rows, moved.slots, moved.used) : joined);
}

/**
 * Attention of q over k, v [count*heads, size, hd], in chunks of queries when all scores at once would exceed
 * `MOST_SCORES`.
 */
function attendInParts(q: Tensor, k: Tensor, v: Tensor, { count, size, mask }: Segmented): Tensor {
  const groups = q.shape[0];
  const step = Math.max(1, Math.min(size, Math.floor(MOST_SCORES / (groups * size))));
  const parts = Array.from({ length: Math.ceil(size / step) }, (_, i) => {
    const queries = Math.min(step, size - i * step);
    const part = queries === size ? q : tf.slice(q, [0, i * step, 0], [-1, queries, -1]);
    return attend(part, k, v, mask && { view: [count, groups / count, queries, size], value: mask });
  });
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 1);
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
