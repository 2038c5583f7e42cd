/**
 * `config.json` of a Qwen2.5-VL folder. Two layouts are read: the flat one of the 2025 hub checkpoints (text fields at
 * the root) and the nested one of transformers 5 (`text_config`, `rope_parameters`). Defaults are those of
 * transformers' `configuration_qwen2_5_vl.py`.
 */
import { z } from 'zod';
import { InputError } from '../../../protocol/errors.ts';
import type { Dimensions } from '../family.ts';

export interface TextConfig extends Dimensions {
  readonly intermediateSize: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Rotary frequencies of (time, height, width, time, ...); they sum to headDim / 2. */
  readonly mropeSection: readonly number[];
  readonly tieEmbeddings: boolean;
}

export interface VisionConfig {
  readonly depth: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly headDim: number;
  readonly channels: number;
  readonly patchSize: number;
  /** Patches per side of the square that becomes one token. */
  readonly mergeSize: number;
  readonly temporalPatchSize: number;
  /** Side of an attention window, in pixels. */
  readonly windowSize: number;
  readonly outHiddenSize: number;
  readonly fullAttentionBlocks: readonly number[];
  readonly ropeTheta: number;
}

export interface QwenConfig {
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  readonly imageTokenId: number;
  readonly videoTokenId: number;
  readonly visionStartTokenId: number;
  readonly visionEndTokenId: number;
}

const count = z.int().positive();
const positive = z.number().positive();
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: positive.optional(),
  mrope_section: z.array(count).optional(),
});
/** Python writes `null` for a value that is not set. */
const optional = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const textSchema = z.looseObject({
  vocab_size: count.default(152064),
  hidden_size: count.default(8192),
  intermediate_size: count.default(29568),
  num_hidden_layers: count.default(80),
  num_attention_heads: count.default(64),
  num_key_value_heads: optional(count),
  hidden_act: z.literal('silu').default('silu'),
  max_position_embeddings: count.default(32768),
  rms_norm_eps: positive.default(1e-5),
  use_sliding_window: optional(z.boolean()),
  layer_types: optional(z.array(z.string())),
  tie_word_embeddings: optional(z.boolean()),
  rope_theta: optional(positive),
  rope_scaling: optional(rope),
  rope_parameters: optional(rope),
});

const visionSchema = z.looseObject({
  depth: count.default(32),
  hidden_size: count.default(3584),
  hidden_act: z.literal('silu').default('silu'),
  intermediate_size: count.default(3420),
  num_heads: count.default(16),
  in_channels: count.default(3),
  patch_size: count.default(14),
  spatial_merge_size: count.default(2),
  temporal_patch_size: count.default(2),
  window_size: count.default(112),
  out_hidden_size: count.default(3584),
  fullatt_block_indexes: z.array(z.int().nonnegative()).default([7, 15, 23, 31]),
  rope_parameters: optional(rope),
});

const rootSchema = z.looseObject({
  image_token_id: z.int().nonnegative().default(151655),
  video_token_id: z.int().nonnegative().default(151656),
  vision_start_token_id: z.int().nonnegative().default(151652),
  vision_end_token_id: z.int().nonnegative().default(151653),
  tie_word_embeddings: optional(z.boolean()),
  text_config: optional(z.looseObject({})),
  vision_config: optional(z.looseObject({})),
});

/** @param file names the source in errors. @throws InputError for a bad field. */
export function parseConfig(raw: Readonly<Record<string, unknown>>, file: string): QwenConfig {
  const root = parse(rootSchema, raw, file, '');
  const textFields = root.text_config
    ? parse(textSchema, root.text_config, file, 'text_config.')
    : parse(textSchema, raw, file, '');
  const visionFields = parse(visionSchema, root.vision_config ?? {}, file, 'vision_config.');
  const text = textConfig(textFields, (root.tie_word_embeddings || textFields.tie_word_embeddings) ?? false, file);
  const vision = visionConfig(visionFields, file);
  if (vision.outHiddenSize !== text.hiddenSize) {
    throw new InputError(
      `${file}: vision_config.out_hidden_size is ${vision.outHiddenSize}; it must equal the decoder's hidden_size ${text.hiddenSize}`,
    );
  }
  return {
    text,
    vision,
    imageTokenId: root.image_token_id,
    videoTokenId: root.video_token_id,
    visionStartTokenId: root.vision_start_token_id,
    visionEndTokenId: root.vision_end_token_id,
  };
}

function parse<T extends z.ZodType>(schema: T, value: unknown, file: string, prefix: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const found = issue.path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key],
      value,
    );
    return `${prefix}${issue.path.join('.')} is ${JSON.stringify(found)}: ${issue.message}`;
  });
  throw new InputError(`${file}: ${issues.join('; ')}`);
}

function textConfig(fields: z.output<typeof textSchema>, tieEmbeddings: boolean, file: string): TextConfig {
  const rotary = { ...fields.rope_parameters, ...fields.rope_scaling };
  const ropeType = rotary.rope_type ?? rotary.type ?? 'default';
  if (ropeType !== 'default' && ropeType !== 'mrope') {
    throw new InputError(`${file}: rope type ${JSON.stringify(ropeType)} is not supported; use "default" or "mrope"`);
  }
  if (fields.use_sliding_window && (fields.layer_types ?? ['sliding_attention']).includes('sliding_attention')) {
    throw new InputError(
      `${file}: use_sliding_window is true; sliding-window decoder layers are not supported, set it to false`,
    );
  }
  const headDim = divide(fields.hidden_size, fields.num_attention_heads, file, 'hidden_size', 'num_attention_heads');
  const kvHeads = fields.num_key_value_heads ?? fields.num_attention_heads;
  divide(fields.num_attention_heads, kvHeads, file, 'num_attention_heads', 'num_key_value_heads');
  const mropeSection = rotary.mrope_section ?? [16, 24, 24];
  const frequencies = mropeSection.reduce((sum, size) => sum + size, 0);
  if (frequencies * 2 !== headDim) {
    throw new InputError(
      `${file}: mrope_section [${mropeSection.join(', ')}] sums to ${frequencies}; it must be half of the head size ${headDim}`,
    );
  }
  return {
    vocabSize: fields.vocab_size,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    layers: fields.num_hidden_layers,
    heads: fields.num_attention_heads,
    kvHeads,
    headDim,
    rmsNormEps: fields.rms_norm_eps,
    ropeTheta: rotary.rope_theta ?? fields.rope_theta ?? 1e6,
    mropeSection,
    maxPositions: fields.max_position_embeddings,
    tieEmbeddings,
  };
}

function visionConfig(fields: z.output<typeof visionSchema>, file: string): VisionConfig {
  const headDim = divide(
    fields.hidden_size,
    fields.num_heads,
    file,
    'vision_config.hidden_size',
    'vision_config.num_heads',
  );
  if (headDim % 4 !== 0)
    throw new InputError(`${file}: the vision head size ${headDim} must be a multiple of 4 (2-D rotary embedding)`);
  if (fields.window_size < fields.spatial_merge_size * fields.patch_size) {
    throw new InputError(`${file}: vision_config.window_size ${fields.window_size} is smaller than one merged patch`);
  }
  return {
    depth: fields.depth,
    hiddenSize: fields.hidden_size,
    intermediateSize: fields.intermediate_size,
    heads: fields.num_heads,
    headDim,
    channels: fields.in_channels,
    patchSize: fields.patch_size,
    mergeSize: fields.spatial_merge_size,
    temporalPatchSize: fields.temporal_patch_size,
    windowSize: fields.window_size,
    outHiddenSize: fields.out_hidden_size,
    fullAttentionBlocks: fields.fullatt_block_indexes,
    ropeTheta: fields.rope_parameters?.rope_theta ?? 10000,
  };
}

function divide(whole: number, part: number, file: string, wholeName: string, partName: string): number {
  if (whole % part !== 0)
    throw new InputError(`${file}: ${wholeName} ${whole} is not divisible by ${partName} ${part}`);
  return whole / part;
}
