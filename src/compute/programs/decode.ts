/** One decoding step: a token a row, keys and values appended to the caches in place. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { f32, i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { ModelConfig } from '../models/qwen2_5_vl/config.ts';
import { groupQueryAttention } from '../compile/operators.ts';
import type { Feeds } from './batch.ts';
import { cacheHeadDim, decode, head, type Attention } from '../models/qwen2_5_vl/decoder.ts';
import { embedRows } from '../models/qwen2_5_vl/embedding.ts';
import { textRotary } from '../models/qwen2_5_vl/rope.ts';
import { pick, type Tensors } from '../models/tensors.ts';
import { weightSpecs } from '../models/qwen2_5_vl/parameters.ts';

export interface DecodeShape {
  readonly rows: number;
  /** S, as the prefill's. */
  readonly cacheLength: number;
}

/** A step's state of every row. */
export interface DecodeStep {
  /** Tokens sampled last. */
  readonly tokens: ArrayLike<number>;
  /** Their rotary positions: the prompt's `nextPosition` plus the tokens generated before. */
  readonly positions: ArrayLike<number>;
  /** Tokens in each row's cache so far. */
  readonly lengths: ArrayLike<number>;
}

/** The inputs besides weights and caches. */
export function decodeFeeds(config: ModelConfig, { tokens, positions, lengths }: DecodeStep): Feeds {
  const rows = tokens.length;
  const { cos, sin } = textRotary(
    config.text,
    [positions, positions, positions].flatMap((axis) => Array.from(axis)),
  );
  return {
    tokens: i32([rows], Int32Array.from(tokens)),
    lengths: i32([rows], Int32Array.from(lengths)),
    cos: f32([rows, config.text.headDim / 2], cos),
    sin: f32([rows, config.text.headDim / 2], sin),
  };
}

/** `past_key.i`, `past_value.i` of every layer. */
export function cacheSpecs(config: ModelConfig, { rows, cacheLength }: DecodeShape): Specs {
  const spec = { dtype: 'float32', shape: [rows, config.text.kvHeads, cacheLength, cacheHeadDim(config.text)] } as const;
  return Object.fromEntries(
    Array.from({ length: config.text.layers }, (_, i) => i).flatMap((i) => [
      [`past_key.${i}`, spec],
      [`past_value.${i}`, spec],
    ]),
  );
}

/** Outputs `logits` [rows, V] and `present_key.i`, `present_value.i`, in place of the caches that were fed. */
export function decodeProgram(config: ModelConfig, shape: DecodeShape): ProgramSpec {
  const { rows, cacheLength } = shape;
  const caches = cacheSpecs(config, shape);
  const rotary = { dtype: 'float32', shape: [rows, config.text.headDim / 2] } as const;
  return {
    name: `decode:${rows}/${cacheLength}`,
    inputs: {
      ...weightSpecs(config),
      tokens: { dtype: 'int32', shape: [rows] },
      lengths: { dtype: 'int32', shape: [rows] },
      cos: rotary,
      sin: rotary,
      ...caches,
    },
    inPlace: Object.fromEntries(Object.keys(caches).map((past) => [past.replace('past', 'present'), past])),
    build(inputs) {
      const presents: Record<string, Tensor> = {};
      const tokens = embedRows(inputs, inputs, config, pick(inputs, 'tokens'), undefined);
      const hidden = decode(
        inputs,
        config.text,
        tokens,
        { cos: pick(inputs, 'cos'), sin: pick(inputs, 'sin') },
        cached(config, shape, inputs, presents),
      );
      return { logits: head(inputs, config.text, hidden), ...presents };
    },
  };
}

function cached({ text }: ModelConfig, { rows, cacheLength }: DecodeShape, inputs: Tensors, presents: Record<string, Tensor>): Attention {
  const totalLength = tf.scalar(cacheLength, 'int32');
  const size = cacheHeadDim(text);
  const widen = (heads: Tensor) =>
    size === text.headDim
      ? heads
      : tf.pad(heads, [
          [0, 0],
          [0, size - text.headDim],
        ]);
  const token = (t: Tensor) => tf.reshape<tf.Rank.R3>(widen(tf.reshape(t, [-1, text.headDim])), [rows, 1, -1]);
  return (q, k, v, layer) => {
    const { out, presentKey, presentValue } = groupQueryAttention(
      {
        q: token(q),
        k: token(k),
        v: token(v),
        pastKey: pick(inputs, `past_key.${layer}`) as Tensor4D,
        pastValue: pick(inputs, `past_value.${layer}`) as Tensor4D,
        seqlensK: pick(inputs, 'lengths') as Tensor1D,
        totalLength,
      },
      // Queries come scaled.
      { numHeads: text.heads, kvHeads: text.kvHeads, scale: 1 },
    );
    presents[`present_key.${layer}`] = presentKey;
    presents[`present_value.${layer}`] = presentValue;
    const mixed = tf.reshape(out, [rows * text.heads, size]);
    return tf.reshape(tf.slice(mixed, [0, 0], [rows * text.heads, text.headDim]), [rows, text.hiddenSize]);
  };
}
