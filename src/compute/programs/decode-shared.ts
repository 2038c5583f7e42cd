/**
 * One decoding step for engines in host memory: one token per row, rows in any order. All samples of a prompt share
 * one copy of its keys and values; the program returns the new ones, and the host stores them. ONNX Runtime copies
 * every output into new memory, so caches must not be outputs there: updating them "in place" costs more than the
 * whole step.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { Architecture, Attention, Dimensions, Model, Tensors } from '../models/family.ts';
import { pick } from '../models/tensors.ts';
import { decode, embedRows, groupHeads, ungroupHeads } from './layers.ts';

export interface SharedDecodeShape {
  /** Q */
  readonly prompts: number;
  /** G, samples of each prompt when decoding began. */
  readonly samples: number;
  /** P */
  readonly promptLength: number;
  /** Rows still decoded, at most Q*G. */
  readonly rows: number;
  /** T, slots for a row's own tokens. */
  readonly ownLength: number;
}

export const promptCaches = (layer: number): readonly [string, string] => [
  `prompt_key.${layer}`,
  `prompt_value.${layer}`,
];
export const ownCaches = (layer: number): readonly [string, string] => [`own_key.${layer}`, `own_value.${layer}`];

/**
 * Inputs other than the weights and those of `decodeFeeds`: prompts' caches [Q, KV, P, hd] with their mask [Q, 1, 1,
 * P]; rows' own caches [rows, KV, T, hd] with `ownMask` [T] (0 at filled slots); `rowSlots` [rows] gives the sample
 * q*G + g of a row, `slotRows` [Q*G] the row of a sample (any row, if it has none). Outputs: `logits` [rows, V], and
 * `keys`, `values` [layers, rows, KV*hd] of the tokens fed.
 */
export function sharedDecodeProgram(model: Model, shape: SharedDecodeShape): ProgramSpec {
  const { prompts, samples, promptLength, rows, ownLength } = shape;
  return {
    name: `decode-shared:${prompts}x${samples}:${promptLength}+${ownLength}:${rows}`,
    inputs: { ...model.parameters, ...sharedDecodeSpecs(model, shape) },
    build(inputs) {
      const keys: Tensor[] = [];
      const values: Tensor[] = [];
      const attention: Attention = (q, k, v, layer) => {
        keys.push(k);
        values.push(v);
        return attend(model.dimensions, shape, inputs, q, k, v, layer);
      };
      const tokens = embedRows(model, inputs, inputs, pick(inputs, 'tokens'));
      const hidden = decode(model, inputs, inputs, tokens, attention);
      return { logits: model.head(inputs, hidden), keys: tf.stack(keys), values: tf.stack(values) };
    },
  };
}

function sharedDecodeSpecs({ dimensions, positions }: Architecture, shape: SharedDecodeShape): Specs {
  const { prompts, samples, promptLength, rows, ownLength } = shape;
  const { layers, kvHeads, headDim } = dimensions;
  const float = (...shape: number[]) => ({ dtype: 'float32', shape }) as const;
  const int = (...shape: number[]) => ({ dtype: 'int32', shape }) as const;
  const caches = Array.from({ length: layers }, (_, layer) => [
    ...promptCaches(layer).map((name) => [name, float(prompts, kvHeads, promptLength, headDim)] as const),
    ...ownCaches(layer).map((name) => [name, float(rows, kvHeads, ownLength, headDim)] as const),
  ]);
  return {
    tokens: int(rows),
    ...positions.specs(rows),
    promptMask: float(prompts, 1, 1, promptLength),
    ownMask: float(ownLength),
    rowSlots: int(rows),
    slotRows: int(prompts * samples),
    ...Object.fromEntries(caches.flat()),
  };
}

/**
 * Computes one softmax over the prompt, the row's own earlier tokens, and the token itself. q [rows, H*hd], k and v
 * [rows, KV*hd] -> [rows, H*hd].
 */
function attend(
  dimensions: Dimensions,
  shape: SharedDecodeShape,
  inputs: Tensors,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  layer: number,
): Tensor {
  const { kvHeads, headDim } = dimensions;
  const { rows, promptLength, ownLength } = shape;
  const repeat = dimensions.heads / kvHeads;
  const [ownKey, ownValue] = ownCaches(layer).map((name) => pick(inputs, name)) as [Tensor, Tensor];
  const perHead = (t: Tensor, width: number): Tensor => tf.reshape(t, [rows, kvHeads, -1, width]);

  const queries = perHead(q, headDim);
  const toOwn = tf.add(tf.matMul(queries, ownKey, false, true), pick(inputs, 'ownMask'));
  const toSelf = tf.sum(tf.mul(queries, perHead(k, headDim)), 3, true);
  const weights = tf.softmax(tf.concat([promptScores(dimensions, shape, inputs, q, layer), toOwn, toSelf], 3));

  const part = (from: number, size: number): Tensor =>
    tf.slice(weights, [0, 0, 0, from], [rows, kvHeads, repeat, size]);
  const fromOwn = tf.matMul(part(promptLength, ownLength), ownValue);
  const fromSelf = tf.mul(part(promptLength + ownLength, 1), perHead(v, headDim));
  const fromPrompt = promptValues(dimensions, shape, inputs, part(0, promptLength), layer);
  return tf.add(tf.reshape(tf.add(fromOwn, fromSelf), [rows, -1]), fromPrompt);
}

/**
 * Returns the scores of every row against its prompt, [rows, KV, rep, P], computed for all samples of a prompt at
 * once.
 */
function promptScores(
  dimensions: Dimensions,
  { prompts, samples, promptLength, rows }: SharedDecodeShape,
  inputs: Tensors,
  q: Tensor,
  layer: number,
): Tensor {
  const { kvHeads } = dimensions;
  const repeat = dimensions.heads / kvHeads;
  const grid = groupHeads(tf.gather(q, pick(inputs, 'slotRows')), dimensions, prompts);
  const keys = tf.reshape(pick(inputs, promptCaches(layer)[0]), [prompts * kvHeads, promptLength, dimensions.headDim]);
  const scores = tf.reshape(tf.matMul(grid, keys, false, true), [prompts, kvHeads, samples * repeat, promptLength]);
  const masked = tf.reshape(tf.add(scores, pick(inputs, 'promptMask')), [
    prompts,
    kvHeads,
    samples,
    repeat * promptLength,
  ]);
  const bySample = tf.reshape(tf.transpose(masked, [0, 2, 1, 3]), [prompts * samples, -1]);
  return tf.reshape(tf.gather(bySample, pick(inputs, 'rowSlots')), [rows, kvHeads, repeat, promptLength]);
}

/** Mixes the prompts' values by `weights` [rows, KV, rep, P] -> [rows, H*hd]. */
function promptValues(
  dimensions: Dimensions,
  { prompts, samples, promptLength, rows }: SharedDecodeShape,
  inputs: Tensors,
  weights: Tensor,
  layer: number,
): Tensor {
  const { kvHeads } = dimensions;
  const bySample = tf.gather(tf.reshape(weights, [rows, -1]), pick(inputs, 'slotRows'));
  const split = tf.transpose(tf.reshape(bySample, [prompts, samples, kvHeads, -1]), [0, 2, 1, 3]);
  const values = tf.reshape(pick(inputs, promptCaches(layer)[1]), [
    prompts * kvHeads,
    promptLength,
    dimensions.headDim,
  ]);
  const mixed = tf.matMul(tf.reshape(split, [prompts * kvHeads, -1, promptLength]), values);
  return tf.gather(ungroupHeads(mixed, dimensions, prompts), pick(inputs, 'rowSlots'));
}
