/** The plain forward pass: all logits of padded sequences. What parity with transformers is tested on; the other programs are tested against it. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { ModelConfig, TextConfig } from '../models/qwen2_5_vl/config.ts';
import { emptyRows, imageFeeds, imageSpecs, placePrompts, promptMask, rotaryFeeds, type EncodedPrompt, type Feeds, type Padding } from './batch.ts';
import { decode, groupHeads, head, repeatRows, ungroupHeads, type Attention } from '../models/qwen2_5_vl/decoder.ts';
import { embedRows } from '../models/qwen2_5_vl/embedding.ts';
import { attend, FORBIDDEN, pick, type Tensors } from '../models/tensors.ts';
import { visionName, type VisionShape } from '../models/qwen2_5_vl/vision-plan.ts';
import { weightSpecs } from '../models/qwen2_5_vl/parameters.ts';

/** B sequences padded to T tokens. */
export interface ForwardShape {
  readonly batch: number;
  readonly length: number;
  readonly vision?: VisionShape;
}

export function planForward(
  config: ModelConfig,
  sequences: readonly EncodedPrompt[],
  options: { readonly length?: number; readonly padding?: Padding } = {},
): { readonly shape: ForwardShape; readonly feeds: Feeds } {
  const length = options.length ?? Math.max(...sequences.map((sequence) => sequence.ids.length));
  const padding = options.padding ?? 'left';
  const rows = emptyRows(sequences.length * length);
  placePrompts(rows, sequences, length, padding);
  const images = imageFeeds(config, sequences, rows.ids.length, length, padding);
  return {
    shape: { batch: sequences.length, length, ...(images.shape && { vision: images.shape }) },
    feeds: {
      ids: i32([rows.ids.length], rows.ids),
      ...rotaryFeeds(config, rows),
      promptMask: promptMask(sequences, length, padding),
      ...images.feeds,
    },
  };
}

/** Inputs besides the weights. */
export function forwardSpecs(config: ModelConfig, { batch, length, vision }: ForwardShape): Specs {
  const rows = batch * length;
  return {
    ids: { dtype: 'int32', shape: [rows] },
    cos: { dtype: 'float32', shape: [rows, config.text.headDim / 2] },
    sin: { dtype: 'float32', shape: [rows, config.text.headDim / 2] },
    promptMask: { dtype: 'float32', shape: [batch, 1, 1, length] },
    ...imageSpecs(config, vision, rows),
  };
}

/** Output `logits` [B, T, V]. */
export function forwardProgram(config: ModelConfig, shape: ForwardShape): ProgramSpec {
  return {
    name: `forward:${shape.batch}x${shape.length}:${visionName(shape.vision)}`,
    inputs: { ...weightSpecs(config), ...forwardSpecs(config, shape) },
    build(inputs) {
      const hidden = forwardHidden(inputs, inputs, config, shape);
      return { logits: tf.reshape(head(inputs, config.text, hidden), [shape.batch, shape.length, config.text.vocabSize]) };
    },
  };
}

/** Final hidden rows [B*T, D]; `observe` sees every layer's keys and values (rows [B*T, KV*hd]). */
export function forwardHidden(
  weights: Tensors,
  inputs: Tensors,
  config: ModelConfig,
  shape: ForwardShape,
  observe?: (k: Tensor, v: Tensor, layer: number) => void,
): Tensor {
  const rows = embedRows(weights, inputs, config, pick(inputs, 'ids'), shape.vision);
  const mask = causalMask(config.text, shape.length, pick(inputs, 'promptMask'));
  const attention: Attention = (q, k, v, layer) => {
    observe?.(k, v, layer);
    return causalAttention(config.text, shape.batch, mask, q, k, v);
  };
  return decode(weights, config.text, rows, { cos: pick(inputs, 'cos'), sin: pick(inputs, 'sin') }, attention);
}

/** [B, 1, L*rep, L] in the row order of `groupHeads`, from a key mask [B, 1, 1, L]. */
export function causalMask(config: TextConfig, length: number, keys: Tensor): Tensor {
  return tf.add(causal(config, length), keys);
}

/** [L*rep, L]: a token sees itself and those before it. */
export function causal(config: TextConfig, length: number): Tensor {
  const mask = Float32Array.from({ length: length * length }, (_, i) => (i % length > Math.floor(i / length) ? FORBIDDEN : 0));
  const repeat = config.heads / config.kvHeads;
  return tf.tensor(repeatRows(mask, length, repeat), [length * repeat, length]);
}

/** Self-attention of `batch` sequences of equal length; rows [B*L, ..] as `Attention` gives them. */
export function causalAttention(config: TextConfig, batch: number, mask: Tensor, q: Tensor, k: Tensor, v: Tensor): Tensor {
  const [queries, keys, values] = [q, k, v].map((rows) => groupHeads(rows, config, batch)) as [Tensor, Tensor, Tensor];
  const view = [batch, config.kvHeads, queries.shape[1]!, keys.shape[1]!];
  return ungroupHeads(attend(queries, keys, values, { view, value: mask }), config, batch);
}
