/**
 * A Qwen2.5-VL small enough for the reference engine: 2 decoder layers of width 16, one vision block, 24 tokens of
 * vocabulary.
 */
import { withNetwork, type EncodedPrompt } from '../../src/compute/models/family.ts';
import { parseModel } from '../../src/compute/models/index.ts';
import { initialWeights } from '../../src/pretrain/initialize.ts';
import { Random } from '../../src/data/rng.ts';
import { f32, type TensorMap } from '../../src/protocol/tensor.ts';

const IMAGE = 20;

export const tinyRawConfig = {
  model_type: 'qwen2_5_vl',
  vocab_size: 24,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  hidden_act: 'silu',
  max_position_embeddings: 128,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  rope_scaling: { type: 'mrope', mrope_section: [1, 1] },
  tie_word_embeddings: true,
  image_token_id: IMAGE,
  video_token_id: 21,
  vision_start_token_id: 22,
  vision_end_token_id: 23,
  vision_config: {
    model_type: 'qwen2_5_vl',
    depth: 1,
    hidden_size: 8,
    intermediate_size: 12,
    num_heads: 2,
    in_chans: 3,
    out_hidden_size: 16,
    patch_size: 2,
    spatial_patch_size: 2,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    tokens_per_second: 2,
    window_size: 8,
    fullatt_block_indexes: [0],
    hidden_act: 'silu',
  },
};

export const tinyModel = await withNetwork(parseModel(tinyRawConfig, 'tiny'));

/** Random weights with embeddings large enough that distributions differ from uniform. */
export function tinyWeights(seed: number): TensorMap {
  const weights = initialWeights(tinyModel.parameters, seed);
  const embedding = weights['model.embed_tokens.weight']!;
  return {
    ...weights,
    'model.embed_tokens.weight': f32(
      embedding.shape,
      Float32Array.from(embedding.data, (value) => 25 * value),
    ),
  };
}

/** `length` text tokens, after one picture of 4 x 4 patches (4 image tokens) if `picture`. */
export function tinyPrompt(seed: number, length: number, picture = false): EncodedPrompt {
  const random = new Random(seed, 'prompt');
  const image = picture ? [IMAGE, IMAGE, IMAGE, IMAGE] : [];
  const ids = [...image, ...Array.from({ length }, () => random.int(1, 19))];
  const axis = (f: (i: number) => number): number[] =>
    ids.map((_, i) => (i < image.length ? f(i) : i - image.length + (picture ? 2 : 0)));
  return {
    ids,
    positions: [...axis(() => 0), ...axis((i) => Math.floor(i / 2)), ...axis((i) => i % 2)],
    nextPosition: length + (picture ? 2 : 0),
    images: picture
      ? [{ grid: [1, 4, 4], patches: Float32Array.from({ length: 16 * 3 * 2 * 4 }, () => random.normal()) }]
      : [],
  };
}
