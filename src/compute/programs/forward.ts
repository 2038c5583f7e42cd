/**
 * The plain forward pass: all logits of padded sequences. Tests compare it with transformers, and the other programs
 * with it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import {
  FORBIDDEN,
  type Architecture,
  type Attention,
  type Dimensions,
  type EncodedPrompt,
  type Feeds,
  type ImageShape,
  type Model,
  type Tensors,
} from '../models/family.ts';
import { attend, pick } from '../models/tensors.ts';
import { emptyRows, imageFeeds, imageSpecs, placePrompts, promptMask, type Padding } from './batch.ts';
import { decode, embedRows, groupHeads, ungroupHeads } from './layers.ts';

/** B sequences padded to T tokens. */
export interface ForwardShape {
  readonly batch: number;
  readonly length: number;
  readonly vision?: ImageShape;
}

export function planForward(
  model: Architecture,
  sequences: readonly EncodedPrompt[],
  options: { readonly length?: number; readonly padding?: Padding } = {},
): { readonly shape: ForwardShape; readonly feeds: Feeds } {
  const length = options.length ?? Math.max(...sequences.map((sequence) => sequence.ids.length));
  const padding = options.padding ?? 'left';
  const rows = emptyRows(model, sequences.length * length);
  placePrompts(rows, sequences, length, padding);
  const images = imageFeeds(model, sequences, rows.ids.length, length, padding);
  return {
    shape: { batch: sequences.length, length, ...(images.shape && { vision: images.shape }) },
    feeds: {
      ids: i32([rows.ids.length], rows.ids),
      ...model.positions.feeds(rows.positions),
      promptMask: promptMask(sequences, length, padding),
      ...images.feeds,
    },
  };
}

/** Inputs other than the weights. */
export function forwardSpecs(model: Architecture, { batch, length, vision }: ForwardShape): Specs {
  const rows = batch * length;
  return {
    ids: { dtype: 'int32', shape: [rows] },
    ...model.positions.specs(rows),
    promptMask: { dtype: 'float32', shape: [batch, 1, 1, length] },
    ...imageSpecs(vision, rows),
  };
}

/** Output `logits` [B, T, V]. */
export function forwardProgram(model: Model, shape: ForwardShape): ProgramSpec {
  return {
    name: `forward:${shape.batch}x${shape.length}:${shape.vision?.name ?? 'text'}`,
    inputs: { ...model.parameters, ...forwardSpecs(model, shape) },
    build(inputs) {
      const hidden = forwardHidden(model, inputs, inputs, shape);
      return {
        logits: tf.reshape(model.head(inputs, hidden), [shape.batch, shape.length, model.dimensions.vocabSize]),
      };
    },
  };
}

/** Returns the final hidden rows [B*T, D]; `observe` receives every layer's keys and values (rows [B*T, KV*hd]). */
export function forwardHidden(
  model: Model,
  weights: Tensors,
  inputs: Tensors,
  shape: ForwardShape,
  observe?: (k: Tensor, v: Tensor, layer: number) => void,
): Tensor {
  const { dimensions } = model;
  const rows = embedRows(model, weights, inputs, pick(inputs, 'ids'), shape.vision);
  const mask = pick(inputs, 'promptMask');
  const attention: Attention = (q, k, v, layer) => {
    observe?.(k, v, layer);
    return causalAttention(dimensions, shape.batch, mask, q, k, v);
  };
  return decode(model, weights, inputs, rows, attention);
}

/**
 * [L*rep, L] in the row order of `groupHeads`: a token attends to itself and earlier tokens. The mask is computed at
 * run time from `input`, any finite float input of the program: a mask that depends on no input would be a constant of
 * O(L^2) bytes in every session.
 */
export function causal(dimensions: Dimensions, length: number, input: Tensor): Tensor {
  return causalRows(dimensions, 0, length, input);
}

/** Returns the mask's rows of tokens `from` to `to`, and the columns up to `to`. */
function causalRows({ heads, kvHeads }: Dimensions, from: number, to: number, input: Tensor): Tensor {
  const repeat = heads / kvHeads;
  const tokens = Int32Array.from({ length: (to - from) * repeat }, (_, row) => from + Math.floor(row / repeat));
  const zero = tf.cast(tf.mul(tf.slice(tf.reshape(input, [-1]), 0, 1), 0), 'int32');
  const isVisible = tf.lessEqual(
    tf.add(tf.range(0, to, 1, 'int32'), zero),
    tf.tensor2d(tokens, [tokens.length, 1], 'int32'),
  );
  return tf.where(isVisible, tf.scalar(0), tf.scalar(FORBIDDEN));
}

/** The most query tokens whose scores exist at once. */
const QUERY_TOKENS = 1024;

/**
 * Computes self-attention of `batch` sequences of L tokens; rows [B*L, ..] as in `Attention`, `mask` [B, 1, 1, L]
 * marks the keys.
 */
export function causalAttention(
  dimensions: Dimensions,
  batch: number,
  mask: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
): Tensor {
  const grouped = [q, k, v].map((rows) => groupHeads(rows, dimensions, batch)) as [Tensor, Tensor, Tensor];
  const length = mask.shape[3]!;
  const chunks = Array.from({ length: Math.ceil(length / QUERY_TOKENS) }, (_, i) => {
    const to = Math.min(length, (i + 1) * QUERY_TOKENS);
    return causalChunk(dimensions, i * QUERY_TOKENS, to, mask, ...grouped);
  });
  return ungroupHeads(chunks.length === 1 ? chunks[0]! : tf.concat(chunks, 1), dimensions, batch);
}

/** Computes the queries of tokens `from` to `to`, which attend to no token after `to`. */
function causalChunk(
  dimensions: Dimensions,
  from: number,
  to: number,
  mask: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
): Tensor {
  const repeat = dimensions.heads / dimensions.kvHeads;
  const queries = rowsOf(q, from * repeat, to * repeat);
  const keys = to === mask.shape[3] ? mask : tf.slice(mask, [0, 0, 0, 0], [-1, 1, 1, to]);
  const value = tf.add(causalRows(dimensions, from, to, mask), keys);
  const view = [mask.shape[0], dimensions.kvHeads, queries.shape[1]!, to];
  return attend(queries, rowsOf(k, 0, to), rowsOf(v, 0, to), { view, value });
}

/** Slices rows `from` to `to` of [B, L, D]. */
function rowsOf(x: Tensor, from: number, to: number): Tensor {
  return to - from === x.shape[1] ? x : tf.slice(x, [0, from, 0], [-1, to - from, -1]);
}
