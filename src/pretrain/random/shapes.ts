/**
 * Shapes of models with random weights. 3B and 7B are Qwen2.5-VL's own; the hub has no smaller model, so 0.5B has the
 * decoder of Qwen2.5-0.5B and 0.1B a smaller decoder, each with a proportional tower and the family's vocabulary.
 */

export interface RandomShape {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly mropeSection: readonly number[];
  readonly tieEmbeddings: boolean;
  /** Id of `<|endoftext|>`, the first special token; the tokens of texts are below it. */
  readonly firstSpecialId: number;
  readonly vision: {
    readonly depth: number;
    readonly hiddenSize: number;
    readonly intermediateSize: number;
    readonly heads: number;
    readonly fullAttentionBlocks: readonly number[];
  };
}

const FAMILY = { kvHeads: 2, vocabSize: 151_936, firstSpecialId: 151_643, tieEmbeddings: true } as const;
const TOWER = {
  depth: 32,
  hiddenSize: 1280,
  intermediateSize: 3420,
  heads: 16,
  fullAttentionBlocks: [7, 15, 23, 31],
} as const;

export const RANDOM_SHAPES = {
  '0.1b': {
    ...FAMILY,
    hiddenSize: 512,
    intermediateSize: 1408,
    layers: 12,
    heads: 8,
    mropeSection: [8, 12, 12],
    vision: { depth: 8, hiddenSize: 320, intermediateSize: 856, heads: 4, fullAttentionBlocks: [1, 3, 5, 7] },
  },
  '0.5b': {
    ...FAMILY,
    hiddenSize: 896,
    intermediateSize: 4864,
    layers: 24,
    heads: 14,
    mropeSection: [8, 12, 12],
    vision: { depth: 16, hiddenSize: 640, intermediateSize: 1712, heads: 8, fullAttentionBlocks: [3, 7, 11, 15] },
  },
  '3b': {
    ...FAMILY,
    hiddenSize: 2048,
    intermediateSize: 11_008,
    layers: 36,
    heads: 16,
    mropeSection: [16, 24, 24],
    vision: TOWER,
  },
  '7b': {
    ...FAMILY,
    vocabSize: 152_064,
    tieEmbeddings: false,
    hiddenSize: 3584,
    intermediateSize: 18_944,
    layers: 28,
    heads: 28,
    kvHeads: 4,
    mropeSection: [16, 24, 24],
    vision: TOWER,
  },
} as const satisfies Readonly<Record<string, RandomShape>>;

export type RandomSize = keyof typeof RANDOM_SHAPES;

/**
 * Shapes that `pretrain --like` makes: widths of the models above. The vocabulary of a built-in data set has about 100
 * words, so further layers take the place of the 151,936 rows of the family's.
 */
export const PRETRAINED_SHAPES = {
  '0.1b': { ...RANDOM_SHAPES['0.1b'], layers: 32 },
  '0.5b': { ...RANDOM_SHAPES['0.5b'], layers: 28 },
} as const satisfies Readonly<Record<string, RandomShape>>;

export type PretrainedSize = keyof typeof PRETRAINED_SHAPES;

const SPECIAL = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|object_ref_start|>',
  '<|object_ref_end|>',
  '<|box_start|>',
  '<|box_end|>',
  '<|quad_start|>',
  '<|quad_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|vision_pad|>',
  '<|image_pad|>',
  '<|video_pad|>',
] as const;
const ADDED = [
  '<tool_call>',
  '</tool_call>',
  '<|fim_prefix|>',
  '<|fim_middle|>',
  '<|fim_suffix|>',
  '<|fim_pad|>',
  '<|repo_name|>',
  '<|file_sep|>',
] as const;

export type SpecialToken = (typeof SPECIAL)[number];

/** The family's added tokens, in the order of their ids from `firstSpecialId`; `special` as in its tokenizer. */
export function addedTokens({ firstSpecialId }: RandomShape): readonly {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}[] {
  return [...SPECIAL, ...ADDED].map((content, i) => ({
    id: firstSpecialId + i,
    content,
    special: i < SPECIAL.length,
  }));
}

export function specialId({ firstSpecialId }: RandomShape, token: SpecialToken): number {
  return firstSpecialId + SPECIAL.indexOf(token);
}

/** Returns config.json, with the fields of the hub's. */
export function randomConfig(shape: RandomShape): Readonly<Record<string, unknown>> {
  const { vision } = shape;
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    model_type: 'qwen2_5_vl',
    attention_dropout: 0,
    bos_token_id: specialId(shape, '<|endoftext|>'),
    eos_token_id: specialId(shape, '<|im_end|>'),
    vision_start_token_id: specialId(shape, '<|vision_start|>'),
    vision_end_token_id: specialId(shape, '<|vision_end|>'),
    vision_token_id: specialId(shape, '<|vision_pad|>'),
    image_token_id: specialId(shape, '<|image_pad|>'),
    video_token_id: specialId(shape, '<|video_pad|>'),
    hidden_act: 'silu',
    hidden_size: shape.hiddenSize,
    initializer_range: 0.02,
    intermediate_size: shape.intermediateSize,
    max_position_embeddings: 128_000,
    max_window_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_hidden_layers: shape.layers,
    num_key_value_heads: shape.kvHeads,
    rms_norm_eps: 1e-6,
    rope_theta: 1_000_000,
    sliding_window: 32_768,
    tie_word_embeddings: shape.tieEmbeddings,
    torch_dtype: 'bfloat16',
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      model_type: 'qwen2_5_vl',
      depth: vision.depth,
      hidden_act: 'silu',
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      num_heads: vision.heads,
      in_chans: 3,
      out_hidden_size: shape.hiddenSize,
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      window_size: 112,
      fullatt_block_indexes: vision.fullAttentionBlocks,
      tokens_per_second: 2,
      temporal_patch_size: 2,
    },
    rope_scaling: { type: 'mrope', mrope_section: shape.mropeSection },
    vocab_size: shape.vocabSize,
  };
}
