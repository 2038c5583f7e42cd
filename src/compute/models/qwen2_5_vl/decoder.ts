/**
 * Decoder blocks over flat token rows [N, D]. How rows attend to each other is injected, so the full forward, shared-prefix training,
 * prefill and decoding run the same blocks.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TextConfig } from './config.ts';
import { linear, mlp, norm, rotate, type Rotary, type Tensors } from '../tensors.ts';

/** Queries [N, H*hd] (rotated and scaled by hd^-1/2), keys (rotated) and values [N, KV*hd] of one layer -> mixed values [N, H*hd]. */
export type Attention = (q: Tensor, k: Tensor, v: Tensor, layer: number) => Tensor;

/** Runs all layers and the final norm. */
export function decode(weights: Tensors, config: TextConfig, rows: Tensor, rotary: Rotary, attention: Attention): Tensor {
  let x = rows;
  for (let layer = 0; layer < config.layers; layer++) x = block(weights, config, layer, x, rotary, attention);
  return norm(weights, 'model.norm.weight', x, config.rmsNormEps);
}

/** Hidden rows [N, D] -> logits [N, V]. */
export function head(weights: Tensors, config: TextConfig, rows: Tensor): Tensor {
  return linear(weights, config.tieEmbeddings ? 'model.embed_tokens' : 'lm_head', rows);
}

function block(weights: Tensors, config: TextConfig, layer: number, x: Tensor, rotary: Rotary, attention: Attention): Tensor {
  const name = `model.layers.${layer}`;
  const normed = norm(weights, `${name}.input_layernorm.weight`, x, config.rmsNormEps);
  const turn = (rows: Tensor) => tf.reshape(rotate(tf.reshape(rows, [rows.shape[0], -1, config.headDim]), rotary), rows.shape);
  const q = tf.mul(turn(linear(weights, `${name}.self_attn.q_proj`, normed)), config.headDim ** -0.5);
  const k = turn(linear(weights, `${name}.self_attn.k_proj`, normed));
  const v = linear(weights, `${name}.self_attn.v_proj`, normed);
  const attended = tf.add(x, linear(weights, `${name}.self_attn.o_proj`, attention(q, k, v, layer)));
  const second = norm(weights, `${name}.post_attention_layernorm.weight`, attended, config.rmsNormEps);
  return tf.add(attended, mlp(weights, `${name}.mlp`, second));
}

/** Head size in a cache: ONNX Runtime's attention over a cache takes multiples of 8; the rest is zeros. */
export function cacheHeadDim(config: TextConfig): number {
  return Math.ceil(config.headDim / 8) * 8;
}

/**
 * Grouped-query layout: rows [B*L, KV*m*hd] -> [B*KV, L*m, hd], where m is the heads that share a key (1 for keys and values). The heads
 * of a group are consecutive, so queries need no repeated keys: their rows are ordered (token, head of the group).
 */
export function groupHeads(rows: Tensor, config: TextConfig, batch: number): Tensor {
  const length = rows.shape[0] / batch;
  const width = rows.shape[1]! / config.kvHeads;
  const split = tf.transpose(tf.reshape(rows, [batch, length, config.kvHeads, width]), [0, 2, 1, 3]);
  return tf.reshape(split, [batch * config.kvHeads, -1, config.headDim]);
}

/** The reverse of `groupHeads` for queries: [B*KV, L*rep, hd] -> [B*L, H*hd]. */
export function ungroupHeads(grouped: Tensor, config: TextConfig, batch: number): Tensor {
  const width = (config.heads / config.kvHeads) * config.headDim;
  const split = tf.reshape(grouped, [batch, config.kvHeads, -1, width]);
  return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), [-1, config.hiddenSize]);
}

/** Masks [.., L, S] for the rows of `groupHeads`: each row stands `repeat` times, once for every head of the group. */
export function repeatRows(mask: Float32Array, columns: number, repeat: number): Float32Array {
  const out = new Float32Array(mask.length * repeat);
  for (let row = 0; row * columns < mask.length; row++) {
    for (let r = 0; r < repeat; r++) out.set(mask.subarray(row * columns, (row + 1) * columns), (row * repeat + r) * columns);
  }
  return out;
}
