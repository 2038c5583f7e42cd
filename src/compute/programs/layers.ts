/**
 * The parts that all programs over a model share: token rows, the sequence of blocks, and the layout of heads in
 * attention.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Attention, Dimensions, ImageShape, Model, Tensors } from '../models/family.ts';
import { mixRows, pick } from '../models/tensors.ts';
import { isOfRows, PICTURE_ROWS } from './batch.ts';

/**
 * `ids` [N] int32 -> rows [N, D], with the images' rows in their places. The image rows are fed, or the vision tower
 * computes them, once for all images of the batch.
 */
export function embedRows(model: Model, weights: Tensors, inputs: Tensors, ids: Tensor, vision?: ImageShape): Tensor {
  const tokens = model.embed(weights, inputs, ids);
  if (!vision) return tokens;
  const places = { source: pick(inputs, 'rowSource'), isText: pick(inputs, 'rowIsText') };
  if (isOfRows(vision)) return mixRows(tokens, pick(inputs, PICTURE_ROWS), places);
  return mixRows(tokens, model.images!(weights, inputs, vision), { ...places, imageRows: pick(inputs, 'imageRows') });
}

/** Runs all blocks and the final norm over rows [N, D]. */
export function decode(model: Model, weights: Tensors, inputs: Tensors, rows: Tensor, attention: Attention): Tensor {
  let x = rows;
  for (let layer = 0; layer < model.dimensions.layers; layer++) x = model.block(weights, inputs, layer, x, attention);
  return model.norm(weights, x);
}

/** Head size in a cache: ONNX Runtime's attention over a cache takes multiples of 8; the rest is zeros. */
export function cacheHeadDim({ headDim }: Dimensions): number {
  return Math.ceil(headDim / 8) * 8;
}

/**
 * Changes rows to the grouped-query layout: rows [B*L, KV*m*hd] -> [B*KV, L*m, hd], with m the number of heads that
 * share a key (1 for keys and values). The heads of a group are consecutive, so queries need no repeated keys: their
 * rows are ordered (token, head of the group).
 */
export function groupHeads(rows: Tensor, { kvHeads, headDim }: Dimensions, batch: number): Tensor {
  const length = rows.shape[0] / batch;
  const width = rows.shape[1]! / kvHeads;
  const split = tf.transpose(tf.reshape(rows, [batch, length, kvHeads, width]), [0, 2, 1, 3]);
  return tf.reshape(split, [batch * kvHeads, -1, headDim]);
}

/** Reverses `groupHeads` for queries: [B*KV, L*rep, hd] -> [B*L, H*hd]. */
export function ungroupHeads(grouped: Tensor, { heads, kvHeads, headDim }: Dimensions, batch: number): Tensor {
  const split = tf.reshape(grouped, [batch, kvHeads, -1, (heads / kvHeads) * headDim]);
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [-1, heads * headDim]);
}
