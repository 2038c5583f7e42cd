/**
 * Draws the next token of every row inside a program, as `TokenSampler` does on the host: temperature, top-k, top-p,
 * then the first token whose cumulative probability exceeds the row's uniform number. The program computes in float32:
 * its token differs from the host's only when the uniform lies within 1e-6 of an edge of the cumulative distribution,
 * or top-p's cut within 1e-6 of a token's end.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { SamplingParams } from '../../protocol/ports.ts';
import { choose } from '../compile/control.ts';

export type TokenParams = Pick<SamplingParams, 'temperature' | 'topP' | 'topK'>;

export interface Drawn {
  /** [B] int32 */
  readonly tokens: Tensor;
  /**
   * log pi(token) under the sampling distribution, [B]; 0 when greedy; NaN when a logit of the row that the draw uses
   * is not finite.
   */
  readonly logprobs: Tensor;
}

/** @param logits [B, V]. @param uniforms [B], in [0, 1). */
export function drawTokens(logits: Tensor, uniforms: Tensor, params: TokenParams): Drawn {
  const top = tf.max(logits, 1, true);
  if (params.temperature === 0) return { tokens: tf.argMax(logits, 1), logprobs: tf.reshape(tf.sub(top, top), [-1]) };
  const inverse = 1 / params.temperature;
  const powers = tf.mul(tf.sub(logits, top), inverse);
  const weights = truncated(logits, tf.exp(powers), top, params);
  const { index: tokens, total } = search(weights, (sum) => tf.mul(tf.expandDims(uniforms, 1), sum), tf.lessEqual);
  return { tokens, logprobs: tf.sub(pickEach(powers, tokens), tf.log(tf.reshape(total, [-1]))) };
}

/** Sets to 0 the weights that top-k and top-p drop. Compares logits, because they are exact. */
function truncated(logits: Tensor, weights: Tensor, top: Tensor, params: TokenParams): Tensor {
  const { topK, topP, temperature } = params;
  const vocabulary = logits.shape[1]!;
  const from = (floor: Tensor): Tensor => tf.where(tf.greaterEqual(logits, floor), weights, tf.zerosLike(weights));
  const limited = topK > 0 && topK < vocabulary;
  const likeliest = limited ? tf.topk(logits, topK).values : undefined;
  const kept = likeliest ? from(tf.slice(likeliest, [0, topK - 1], [-1, 1])) : weights;
  if (topP >= 1) return kept;
  const target = tf.mul(tf.sum(kept, 1, true), topP);
  const cut = (sorted: Tensor): Nucleus => nucleus(sorted, top, 1 / temperature, target);
  if (likeliest) return from(cut(likeliest).floor);
  if (vocabulary <= NUCLEUS) return from(cut(tf.topk(logits, vocabulary).values).floor);
  const { floor, complete } = cut(tf.topk(logits, NUCLEUS).values);
  const chosen = choose(
    complete,
    () => ({ floor }),
    () => ({ floor: cut(tf.topk(logits, vocabulary).values).floor }),
  );
  return from(chosen['floor']!);
}

/**
 * The number of likeliest tokens that are searched first for top-p's cut, because sorting a large vocabulary is slow.
 */
const NUCLEUS = 1024;

interface Nucleus {
  /** The smallest kept logit, [B, 1]. */
  readonly floor: Tensor;
  /** Whether the weights of all rows reach the target, [] bool. */
  readonly complete: Tensor;
}

/** Finds the cut at which the largest weights first reach `target` [B, 1]. @param sorted logits [B, n], descending. */
function nucleus(sorted: Tensor, top: Tensor, inverse: number, target: Tensor): Nucleus {
  const weights = tf.exp(tf.mul(tf.sub(sorted, top), inverse));
  const { index, total } = search(weights, (sum) => tf.minimum(target, sum), tf.less);
  return { floor: tf.expandDims(pickEach(sorted, index), 1), complete: tf.all(tf.greaterEqual(total, target)) };
}

/**
 * The number of blocks in which long rows are summed: one running sum over a large vocabulary is slow on a GPU and
 * loses digits.
 */
const BLOCKS = 128;
const SHORT = 256;

/**
 * Returns the first index of each row of `weights` [B, n] (none negative) whose running sum the target has not
 * `passed`; if there is no such index, the last index with a weight.
 *
 * @param target [B, 1], given the rows' sums [B, 1].
 */
function search(
  weights: Tensor,
  target: (total: Tensor) => Tensor,
  passed: typeof tf.less,
): { readonly index: Tensor; readonly total: Tensor } {
  const [rows, n] = weights.shape as [number, number];
  const blocks = n > SHORT ? BLOCKS : 1;
  const size = Math.ceil(n / blocks);
  const padded =
    blocks * size === n
      ? weights
      : tf.pad(weights, [
          [0, 0],
          [0, blocks * size - n],
        ]);
  const ends = tf.cumsum(tf.sum(tf.reshape(padded, [rows, blocks, size]), 2), 1);
  const total = tf.slice(ends, [0, blocks - 1], [-1, 1]);
  const sought = target(total);
  const before = passed(ends, sought);
  const block = tf.minimum(count(before), tf.scalar(blocks - 1, 'int32'));
  const start = tf.max(tf.where(before, ends, tf.zerosLike(ends)), 1, true);
  const sums = tf.add(tf.cumsum(pickRows(padded, block, size), 1), start);
  const last = tf.slice(sums, [0, size - 1], [-1, 1]);
  // The block's sum and the sum of its weights may round differently, so that no index qualifies.
  const place = tf.minimum(count(passed(sums, sought)), count(tf.less(sums, last)));
  return { index: tf.add(tf.mul(block, tf.scalar(size, 'int32')), place), total };
}

/** Counts the true values of each row [B, n] bool: [B] int32. */
const count = (flags: Tensor): Tensor => tf.sum(tf.cast(flags, 'int32'), 1);

/** Picks part `index` [B], of `size` values, from each row of x [B, n * size]: [B, size]. */
function pickRows(x: Tensor, index: Tensor, size: number): Tensor {
  const [rows, width] = x.shape as [number, number];
  const parts = width / size;
  const starts = tf.range(0, rows * parts, parts, 'int32');
  return tf.gather(tf.reshape(x, [rows * parts, size]), tf.add<tf.Tensor1D>(starts, index));
}

/** Picks value `index` [B] from each row of x [B, n]: [B]. */
const pickEach = (x: Tensor, index: Tensor): Tensor => tf.reshape(pickRows(x, index, 1), [-1]);
