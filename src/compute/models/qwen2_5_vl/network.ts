/** The network of Qwen2.5-VL. Weight names as on the hub. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { embed } from '../../compile/operators.ts';
import type { Attention, Network, Tensors } from '../family.ts';
import { linear, mlp, norm, pick, rotate } from '../tensors.ts';
import type { QwenConfig, TextConfig } from './config.ts';
import type { VisionShape } from './vision-plan.ts';
import type { QwenTowerStage } from './tower-plan.ts';
import { towerStage, visionForward } from './vision.ts';

export function network({ text, vision }: QwenConfig): Network {
  return {
    embed: (weights, _inputs, ids) => embed(pick(weights, 'model.embed_tokens.weight') as Tensor2D, ids as Tensor1D),
    images: (weights, inputs, shape) => visionForward(weights, inputs, vision, shape as VisionShape),
    tower: (weights, inputs, stage) => towerStage(weights, inputs, vision, stage as QwenTowerStage),
    block: (weights, inputs, layer, rows, attention) => block(weights, inputs, text, layer, rows, attention),
    norm: (weights, rows) => norm(weights, 'model.norm.weight', rows, text.rmsNormEps),
    head: (weights, rows) => linear(weights, text.tieEmbeddings ? 'model.embed_tokens' : 'lm_head', rows),
  };
}

function block(
  weights: Tensors,
  inputs: Tensors,
  config: TextConfig,
  layer: number,
  x: Tensor,
  attention: Attention,
): Tensor {
  const name = `model.layers.${layer}`;
  const rotary = { cos: pick(inputs, 'cos'), sin: pick(inputs, 'sin') };
  const normed = norm(weights, `${name}.input_layernorm.weight`, x, config.rmsNormEps);
  const turn = (rows: Tensor) =>
    tf.reshape(rotate(tf.reshape(rows, [rows.shape[0], -1, config.headDim]), rotary), rows.shape);
  const q = tf.mul(turn(linear(weights, `${name}.self_attn.q_proj`, normed)), config.headDim ** -0.5);
  const k = turn(linear(weights, `${name}.self_attn.k_proj`, normed));
  const v = linear(weights, `${name}.self_attn.v_proj`, normed);
  const attended = tf.add(x, linear(weights, `${name}.self_attn.o_proj`, attention(q, k, v, layer)));
  const second = norm(weights, `${name}.post_attention_layernorm.weight`, attended, config.rmsNormEps);
  return tf.add(attended, mlp(weights, `${name}.mlp`, second));
}
