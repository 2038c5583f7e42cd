/** First step of every program: token rows, with the images' tokens in their places. */
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.ts';
import { embed } from '../../compile/operators.ts';
import { mixRows, pick, type Tensors } from '../tensors.ts';
import { visionForward } from './vision.ts';
import type { VisionShape } from './vision-plan.ts';

/** `ids` [N] int32 -> [N, D]. The vision tower runs once over all images of the batch. */
export function embedRows(weights: Tensors, inputs: Tensors, config: ModelConfig, ids: Tensor, vision: VisionShape | undefined): Tensor {
  const tokens = embed(pick(weights, 'model.embed_tokens.weight') as Tensor2D, ids as Tensor1D);
  if (!vision) return tokens;
  const images = visionForward(weights, inputs, config.vision, vision);
  return mixRows(tokens, images, pick(inputs, 'rowSource'), pick(inputs, 'rowIsText'), pick(inputs, 'imageRows'));
}
