/** One decoding step: it takes one token per row and appends keys and values to the caches in place. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor4D } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import { groupQueryAttention } from '../compile/operators.ts';
import type { Architecture, Attention, Dimensions, Feeds, Model, Tensors } from '../models/family.ts';
import { pick } from '../models/tensors.ts';
import { cacheHeadDim, decode, embedRows } from './layers.ts';

export interface DecodeShape {
  readonly rows: number;
  /** S, as in the prefill. */
  readonly cacheLength: number;
}

/** A step's state of every row. */
export interface DecodeStep {
  /** Tokens sampled last. */
  readonly tokens: ArrayLike<number>;
  /** Their positions: the prompt's `nextPosition` plus the tokens generated before. */
  readonly positions: ArrayLike<number>;
  /** Tokens in each row's cache so far. */
  readonly lengths: ArrayLike<number>;
}

/** The inputs other than weights and caches. */
export function decodeFeeds({ positions: scheme }: Architecture, { tokens, positions, lengths }: DecodeStep): Feeds {
  const rows = tokens.length;
  return {
    tokens: i32([rows], Int32Array.from(tokens)),
    lengths: i32([rows], Int32Array.from(lengths)),
    ...scheme.feeds(Array.from({ length: scheme.axes }, () => Array.from(positions)).flat()),
  };
}

/** `past_key.i`, `past_value.i` of every layer. */
export function cacheSpecs(dimensions: Dimensions, { rows, cacheLength }: DecodeShape): Specs {
  const spec = { dtype: 'float32', shape: [rows, dimensions.kvHeads, cacheLength, cacheHeadDim(dimensions)] } as const;
  return Object.fromEntries(
    Array.from({ length: dimensions.layers }, (_, i) => i).flatMap((i) => [
      [`past_key.${i}`, spec],
      [`past_value.${i}`, spec],
    ]),
  );
}

/** Outputs `logits` [rows, V] and `present_key.i`, `present_value.i`, in place of the caches that were fed. */
export function decodeProgram(model: Model, shape: DecodeShape): ProgramSpec {
  const { rows, cacheLength } = shape;
  const caches = cacheSpecs(model.dimensions, shape);
  return {
    name: `decode:${rows}/${cacheLength}`,
    inputs: {
      ...model.parameters,
      tokens: { dtype: 'int32', shape: [rows] },
      lengths: { dtype: 'int32', shape: [rows] },
      ...model.positions.specs(rows),
      ...caches,
    },
    inPlace: Object.fromEntries(Object.keys(caches).map((past) => [past.replace('past', 'present'), past])),
    build: (inputs) => decodeStep(model, inputs, shape),
  };
}

/** Computes the program's outputs. @param inputs the program's inputs. */
export function decodeStep(model: Model, inputs: Tensors, shape: DecodeShape): Record<string, Tensor> {
  const presents: Record<string, Tensor> = {};
  const tokens = embedRows(model, inputs, inputs, pick(inputs, 'tokens'));
  const hidden = decode(model, inputs, inputs, tokens, cached(model.dimensions, shape, inputs, presents));
  return { logits: model.head(inputs, hidden), ...presents };
}

function cached(
  dimensions: Dimensions,
  { rows, cacheLength }: DecodeShape,
  inputs: Tensors,
  presents: Record<string, Tensor>,
): Attention {
  const totalLength = tf.scalar(cacheLength, 'int32');
  const { heads, kvHeads, headDim } = dimensions;
  const size = cacheHeadDim(dimensions);
  const widen = (vectors: Tensor) =>
    size === headDim
      ? vectors
      : tf.pad(vectors, [
          [0, 0],
          [0, size - headDim],
        ]);
  const token = (t: Tensor) => tf.reshape<tf.Rank.R3>(widen(tf.reshape(t, [-1, headDim])), [rows, 1, -1]);
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
      // Queries are already scaled.
      { numHeads: heads, kvHeads, scale: 1 },
    );
    presents[`present_key.${layer}`] = presentKey;
    presents[`present_value.${layer}`] = presentValue;
    const mixed = tf.reshape(out, [rows * heads, size]);
    return tf.reshape(tf.slice(mixed, [0, 0], [rows * heads, headDim]), [rows, heads * headDim]);
  };
}
