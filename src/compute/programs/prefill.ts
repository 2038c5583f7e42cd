/**
 * Prefill: runs Q prompts once and lays their keys and values out as decode caches, repeated for G samples each.
 * Prompts are right-padded, so that a cache is filled from slot 0; slots that padding wrote are overwritten or masked.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec, Specs } from '../engine/engine.ts';
import type { Architecture, Dimensions, EncodedPrompt, Feeds, Model, Tensors } from '../models/family.ts';
import { pick } from '../models/tensors.ts';
import { bucket } from './batch.ts';
import { forwardHidden, forwardSpecs, planForward, type ForwardShape } from './forward.ts';
import { cacheHeadDim, groupHeads } from './layers.ts';

export interface PrefillShape extends ForwardShape {
  /** S, slots of a cache row: prompt and new tokens. */
  readonly cacheLength: number;
  /** G, cache rows per prompt. */
  readonly samples: number;
}

export interface PrefillPlan {
  readonly shape: PrefillShape;
  readonly feeds: Feeds;
  /** Tokens of each prompt, which is the slot of its first new token. */
  readonly lengths: readonly number[];
  /** Position of each prompt's first new token. */
  readonly nextPositions: readonly number[];
}

/** Plans caches with room for the longest prompt and `newTokens` more. */
export function planPrefill(
  model: Architecture,
  prompts: readonly EncodedPrompt[],
  options: { readonly samples: number; readonly newTokens: number; readonly promptLength?: number },
): PrefillPlan {
  const length = options.promptLength ?? bucket(Math.max(...prompts.map((prompt) => prompt.ids.length)));
  const { shape, feeds } = planForward(model, prompts, { length, padding: 'right' });
  const lengths = prompts.map((prompt) => prompt.ids.length);
  return {
    shape: { ...shape, cacheLength: length + bucket(options.newTokens), samples: options.samples },
    feeds: {
      ...feeds,
      lastRows: i32(
        [prompts.length],
        lengths.map((size, q) => q * length + size - 1),
      ),
    },
    lengths,
    nextPositions: prompts.map((prompt) => prompt.nextPosition),
  };
}

/** Builds the program whose outputs are those of `prefill`. */
export function prefillProgram(model: Model, shape: PrefillShape): ProgramSpec {
  return {
    name: `prefill:${prefillName(shape)}`,
    inputs: { ...model.parameters, ...prefillSpecs(model, shape) },
    build: (inputs) => prefill(model, inputs, shape),
  };
}

/** Encodes the shape for a program's name. */
export function prefillName({ batch, samples, length, cacheLength, vision }: PrefillShape): string {
  return `${batch}x${samples}:${length}/${cacheLength}:${vision?.name ?? 'text'}`;
}

/** Inputs other than the weights. */
export function prefillSpecs(model: Architecture, shape: PrefillShape): Specs {
  return { ...forwardSpecs(model, shape), lastRows: { dtype: 'int32', shape: [shape.batch] } };
}

/**
 * `logits` [Q, V] after each prompt's last token, and per layer `present_key.i`, `present_value.i` [Q*G, KV, S,
 * cacheHeadDim].
 */
export function prefill(model: Model, inputs: Tensors, shape: PrefillShape): Record<string, Tensor> {
  const { dimensions } = model;
  const caches: Record<string, Tensor> = {};
  const hidden = forwardHidden(model, inputs, inputs, shape, (k, v, layer) => {
    caches[`present_key.${layer}`] = cache(k, dimensions, shape);
    caches[`present_value.${layer}`] = cache(v, dimensions, shape);
  });
  const last = tf.gather(hidden as Tensor2D, pick(inputs, 'lastRows'));
  return { logits: model.head(inputs, last), ...caches };
}

/** Rows [Q*P, KV*hd] -> [Q*G, KV, S, cacheHeadDim], zeros behind the prompt. */
function cache(rows: Tensor, dimensions: Dimensions, { batch, length, cacheLength, samples }: PrefillShape): Tensor {
  const size = cacheHeadDim(dimensions);
  const grouped = tf.reshape(groupHeads(rows, dimensions, batch), [
    batch,
    1,
    dimensions.kvHeads * length,
    dimensions.headDim,
  ]);
  const slots = tf.reshape(widen(grouped, [0, 0, 0, size - dimensions.headDim]), [
    batch,
    1,
    dimensions.kvHeads,
    length * size,
  ]);
  const padded = widen(slots, [0, 0, 0, (cacheLength - length) * size]);
  return tf.reshape(tf.tile(padded, [1, samples, 1, 1]), [batch * samples, dimensions.kvHeads, cacheLength, size]);
}

/** Zeros after the end of each axis. */
function widen(t: Tensor, after: readonly number[]): Tensor {
  if (after.every((count) => count === 0)) return t;
  return tf.pad(
    t,
    after.map((count) => [0, count]),
  );
}
