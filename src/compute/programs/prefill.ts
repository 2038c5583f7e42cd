/**
 * Prefill: runs Q prompts once and lays their keys and values out as decode caches, repeated for G samples each. Prompts are right-padded, so
 * that a cache is filled from slot 0 on; what padding wrote is overwritten or never looked at.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { i32 } from '../../protocol/tensor.ts';
import type { ProgramSpec } from '../engine/engine.ts';
import type { ModelConfig, TextConfig } from '../models/qwen2_5_vl/config.ts';
import { bucket, type EncodedPrompt, type Feeds } from './batch.ts';
import { cacheHeadDim, groupHeads, head } from '../models/qwen2_5_vl/decoder.ts';
import { forwardHidden, forwardSpecs, planForward, type ForwardShape } from './forward.ts';
import { pick } from '../models/tensors.ts';
import { visionName } from '../models/qwen2_5_vl/vision-plan.ts';
import { weightSpecs } from '../models/qwen2_5_vl/parameters.ts';

export interface PrefillShape extends ForwardShape {
  /** S, slots of a cache row: prompt and new tokens. */
  readonly cacheLength: number;
  /** G, cache rows a prompt. */
  readonly samples: number;
}

export interface PrefillPlan {
  readonly shape: PrefillShape;
  readonly feeds: Feeds;
  /** Tokens of each prompt: the slot its first new token is written at. */
  readonly lengths: readonly number[];
  /** Rotary position of each prompt's first new token. */
  readonly nextPositions: readonly number[];
}

/** `newTokens` is room in the caches beside the longest prompt. */
export function planPrefill(
  config: ModelConfig,
  prompts: readonly EncodedPrompt[],
  options: { readonly samples: number; readonly newTokens: number; readonly promptLength?: number },
): PrefillPlan {
  const length = options.promptLength ?? bucket(Math.max(...prompts.map((prompt) => prompt.ids.length)));
  const { shape, feeds } = planForward(config, prompts, { length, padding: 'right' });
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

/** Outputs `logits` [Q, V] after each prompt's last token, and per layer `present_key.i`, `present_value.i` [Q*G, KV, S, hd]. */
export function prefillProgram(config: ModelConfig, shape: PrefillShape): ProgramSpec {
  return {
    name: `prefill:${shape.batch}x${shape.samples}:${shape.length}/${shape.cacheLength}:${visionName(shape.vision)}`,
    inputs: { ...weightSpecs(config), ...forwardSpecs(config, shape), lastRows: { dtype: 'int32', shape: [shape.batch] } },
    build(inputs) {
      const caches: Record<string, Tensor> = {};
      const hidden = forwardHidden(inputs, inputs, config, shape, (k, v, layer) => {
        caches[`present_key.${layer}`] = cache(k, config.text, shape);
        caches[`present_value.${layer}`] = cache(v, config.text, shape);
      });
      const last = tf.gather(hidden as Tensor2D, pick(inputs, 'lastRows'));
      return { logits: head(inputs, config.text, last), ...caches };
    },
  };
}

/** Rows [Q*P, KV*hd] -> [Q*G, KV, S, cacheHeadDim], zeros behind the prompt. */
function cache(rows: Tensor, config: TextConfig, { batch, length, cacheLength, samples }: PrefillShape): Tensor {
  const size = cacheHeadDim(config);
  const grouped = tf.reshape(groupHeads(rows, config, batch), [batch, 1, config.kvHeads * length, config.headDim]);
  const slots = tf.reshape(widen(grouped, [0, 0, 0, size - config.headDim]), [batch, 1, config.kvHeads, length * size]);
  const padded = widen(slots, [0, 0, 0, (cacheLength - length) * size]);
  return tf.reshape(tf.tile(padded, [1, samples, 1, 1]), [batch * samples, config.kvHeads, cacheLength, size]);
}

/** Zeros after the end of each axis. */
function widen(t: Tensor, after: readonly number[]): Tensor {
  if (after.every((count) => count === 0)) return t;
  return tf.pad(
    t,
    after.map((count) => [0, count]),
  );
}
