/**
 * The plain forward pass: all logits of padded sequences. What parity with transformers is tested on; the other
 * programs are tested against it.
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
import { decode, embedRows, groupHeads, repeatRows, ungroupHeads } from './layers.ts';

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

/** Final hidden rows [B*T, D]; `observe` sees every layer's keys and values (rows [B*T, KV*hd]). */
export function forwardHidden(
  model: Model,
  weights: Tensors,
  inputs: Tensors,
  shape: ForwardShape,
  observe?: (k: Tensor, v: Tensor, layer: number) => void,
): Tensor {
  const { dimensions } = model;
  const rows = embedRows(model, weights, inputs, pick(inputs, 'ids'), shape.vision);
  const mask = causalMask(dimensions, shape.length, pick(inputs, 'promptMask'));
  const attention: Attention = (q, k, v, layer) => {
    observe?.(k, v, layer);
    return causalAttention(dimensions, shape.batch, mask, q, k, v);
  };
  return decode(model, weights, inputs, rows, attention);
}

/** [B, 1, L*rep, L] in the row order of `groupHeads`, from a key mask [B, 1, 1, L]. */
export function causalMask(dimensions: Dimensions, length: number, keys: Tensor): Tensor {
  return tf.add(causal(dimensions, length), keys);
}

/** [L*rep, L]: a token sees itself and those before it. */
export function causal({ heads, kvHeads }: Dimensions, length: number): Tensor {
  const mask = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? FORBIDDEN : 0,
  );
  const repeat = heads / kvHeads;
  return tf.tensor(repeatRows(mask, length, repeat), [length * repeat, length]);
}

/** Self-attention of `batch` sequences of equal length; rows [B*L, ..] as `Attention` gives them. */
export function causalAttention(
  dimensions: Dimensions,
  batch: number,
  mask: Tensor,
  q: Tensor,
  k: Tensor,
  v: Tensor,
): Tensor {
  const [queries, keys, values] = [q, k, v].map((rows) => groupHeads(rows, dimensions, batch)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const view = [batch, dimensions.kvHeads, queries.shape[1]!, keys.shape[1]!];
  return ungroupHeads(attend(queries, keys, values, { view, value: mask }), dimensions, batch);
}
