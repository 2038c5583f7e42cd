/**
 * Writes a mini model without its weights: a Qwen2.5-VL of about a million parameters, as an ordinary Hugging Face
 * folder.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CHAT_TEMPLATE, SPECIAL_TOKENS, tokenizerConfig, tokenizerJson, vocabulary } from './vocabulary.ts';
import { SIDE } from '../data/figures/canvas.ts';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import type { Words } from './recipe.ts';
import type { RandomShape } from './random/shapes.ts';
import { FIGURES } from './recipes/figures.ts';

const id = (token: (typeof SPECIAL_TOKENS)[number]): number => SPECIAL_TOKENS.indexOf(token);

const PATCH = 4;
const MERGE = 2;

/** Sizes of the decoder and of the tower, without what the pictures and the words decide. */
export type Sizes = Pick<
  RandomShape,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'heads' | 'kvHeads' | 'mropeSection' | 'vision'
>;

const MINI: Sizes = {
  hiddenSize: 128,
  intermediateSize: 384,
  layers: 4,
  heads: 4,
  kvHeads: 2,
  mropeSection: [4, 6, 6],
  vision: { depth: 2, hiddenSize: 64, intermediateSize: 160, heads: 4, fullAttentionBlocks: [0, 1] },
};

function config({ texts }: Words, { vision, ...sizes }: Sizes): object {
  // Rounded up so that rows of the embedding stay aligned.
  const size = 16 * Math.ceil(Object.keys(vocabulary(texts)).length / 16);
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    model_type: 'qwen2_5_vl',
    torch_dtype: 'float32',
    vocab_size: size,
    hidden_size: sizes.hiddenSize,
    intermediate_size: sizes.intermediateSize,
    num_hidden_layers: sizes.layers,
    num_attention_heads: sizes.heads,
    num_key_value_heads: sizes.kvHeads,
    hidden_act: 'silu',
    max_position_embeddings: 512,
    max_window_layers: sizes.layers,
    use_sliding_window: false,
    sliding_window: 512,
    initializer_range: 0.02,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    rope_scaling: { type: 'mrope', mrope_section: sizes.mropeSection },
    attention_dropout: 0,
    tie_word_embeddings: true,
    use_cache: true,
    bos_token_id: id('<|endoftext|>'),
    eos_token_id: id('<|im_end|>'),
    pad_token_id: id('<|endoftext|>'),
    vision_start_token_id: id('<|vision_start|>'),
    vision_end_token_id: id('<|vision_end|>'),
    image_token_id: id('<|image_pad|>'),
    video_token_id: id('<|video_pad|>'),
    vision_config: {
      model_type: 'qwen2_5_vl',
      depth: vision.depth,
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      in_chans: 3,
      out_hidden_size: sizes.hiddenSize,
      patch_size: PATCH,
      spatial_patch_size: PATCH,
      spatial_merge_size: MERGE,
      temporal_patch_size: 2,
      tokens_per_second: 2,
      window_size: SIDE,
      fullatt_block_indexes: vision.fullAttentionBlocks,
      hidden_act: 'silu',
    },
  };
}

/** Every picture is resized to about 40 x 40 pixels, the size in training. */
function preprocessorConfig(): object {
  return {
    image_processor_type: 'Qwen2VLImageProcessor',
    processor_class: 'Qwen2_5_VLProcessor',
    min_pixels: SIDE * SIDE,
    max_pixels: SIDE * SIDE,
    patch_size: PATCH,
    temporal_patch_size: 2,
    merge_size: MERGE,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  };
}

function generationConfig({ maxNewTokens }: Words): object {
  return {
    bos_token_id: id('<|endoftext|>'),
    eos_token_id: [id('<|im_end|>'), id('<|endoftext|>')],
    pad_token_id: id('<|endoftext|>'),
    do_sample: true,
    temperature: 1,
    max_new_tokens: maxNewTokens,
  };
}

/**
 * Writes config, tokenizer, processor and generation settings; `pretrain` writes the weights. @param words by default
 * those of `models/mini`. @param sizes likewise. @throws InputError when the folder cannot be made.
 */
export async function writeMini(folder: string, words: Words = FIGURES.words, sizes: Sizes = MINI): Promise<void> {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new InputError(`${folder} cannot be made (${(error as Error).message}): name a folder that can be written`, {
      cause: error,
    });
  }
  const files = {
    'config.json': config(words, sizes),
    'preprocessor_config.json': preprocessorConfig(),
    'generation_config.json': generationConfig(words),
    'chat_template.json': { chat_template: CHAT_TEMPLATE },
    'tokenizer.json': tokenizerJson(words.texts),
    'tokenizer_config.json': tokenizerConfig(),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
  }
}
