/** Adds LoRA's term (lora.ts) to a linear layer. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { LORA_A, LORA_B, LORA_SCALE } from './lora.ts';

/**
 * Returns `rows` [N, out], the layer's own result for `x` [N, in], plus s (x A^T) B^T when the layer `name` is
 * adapted.
 */
export function addLora(weights: Readonly<Record<string, Tensor>>, name: string, x: Tensor, rows: Tensor): Tensor {
  const a = weights[`${name}.${LORA_A}`];
  if (!a) return rows;
  const inner = tf.mul(tf.matMul(x, a, false, true), weights[LORA_SCALE]!);
  return tf.add(rows, tf.matMul(inner, weights[`${name}.${LORA_B}`]!, false, true));
}
