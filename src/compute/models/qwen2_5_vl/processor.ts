/**
 * Pictures -> patches, as transformers' `Qwen2VLImageProcessor`: smart resize, rescale, normalize, patches in
 * merge-block order.
 */
import { z } from 'zod';
import { InputError } from '../../../protocol/errors.ts';
import type { Picture } from '../../../protocol/messages.ts';
import type { PatchedImage } from '../family.ts';
import type { VisionConfig } from './config.ts';
import { resizeBicubic } from '../../hf/resize.ts';
import { smartResize } from '../smart-resize.ts';

/** OpenAI CLIP's, the processor's default. */
const CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD = [0.26862954, 0.26130258, 0.27577711];
/** Pillow's number for bicubic. */
const BICUBIC = 3;

export interface ImageProcessor {
  readonly patchSize: number;
  readonly mergeSize: number;
  readonly temporalPatchSize: number;
  readonly minPixels: number;
  readonly maxPixels: number;
  readonly resize: boolean;
  /** The factor of each byte; 1 when rescaling is off. */
  readonly rescale: number;
  /** One value per channel; mean 0 and std 1 when normalizing is off. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Grey pictures become RGB. */
  readonly rgb: boolean;
}

const count = z.int().positive();
const schema = z.looseObject({
  patch_size: count.default(14),
  merge_size: count.default(2),
  temporal_patch_size: count.default(2),
  min_pixels: count.nullish(),
  max_pixels: count.nullish(),
  size: z.looseObject({ shortest_edge: count.nullish(), longest_edge: count.nullish() }).nullish(),
  do_resize: z.boolean().nullish(),
  do_rescale: z.boolean().nullish(),
  do_normalize: z.boolean().nullish(),
  do_convert_rgb: z.boolean().nullish(),
  rescale_factor: z.number().positive().nullish(),
  resample: z.literal(BICUBIC).nullish(),
  image_mean: z.array(z.number()).nullish(),
  image_std: z.array(z.number().positive()).nullish(),
});

/**
 * Parses `preprocessor_config.json`. @throws InputError for a bad field, or a patch size that differs from the
 * model's.
 */
export function parseProcessor(json: unknown, vision: VisionConfig, file: string): ImageProcessor {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    throw new InputError(
      `${file}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
    );
  }
  const fields = parsed.data;
  const patches = [fields.patch_size, fields.merge_size, fields.temporal_patch_size];
  const wanted = [vision.patchSize, vision.mergeSize, vision.temporalPatchSize];
  if (patches.join() !== wanted.join()) {
    throw new InputError(
      `${file}: patch_size, merge_size, temporal_patch_size are ${patches.join(', ')}; config.json says ${wanted.join(', ')}`,
    );
  }
  const normalize = fields.do_normalize ?? true;
  return {
    patchSize: fields.patch_size,
    mergeSize: fields.merge_size,
    temporalPatchSize: fields.temporal_patch_size,
    minPixels: fields.min_pixels ?? fields.size?.shortest_edge ?? 56 * 56,
    maxPixels: fields.max_pixels ?? fields.size?.longest_edge ?? 28 * 28 * 1280,
    resize: fields.do_resize ?? true,
    rescale: (fields.do_rescale ?? true) ? (fields.rescale_factor ?? 1 / 255) : 1,
    mean: perChannel(normalize ? (fields.image_mean ?? CLIP_MEAN) : [0], vision, `${file}: image_mean`),
    std: perChannel(normalize ? (fields.image_std ?? CLIP_STD) : [1], vision, `${file}: image_std`),
    rgb: fields.do_convert_rgb ?? true,
  };
}

function perChannel(values: readonly number[], { channels }: VisionConfig, where: string): readonly number[] {
  if (values.length === 1) return Array.from<number>({ length: channels }).fill(values[0]!);
  if (values.length !== channels)
    throw new InputError(`${where} has ${values.length} values; the model has ${channels} channels`);
  return values;
}

/**
 * Scales a picture down until it has at most `maxTokens` blocks of merge x merge patches, even when the processor's
 * own bound allows more. @throws InputError when the model does not support the picture's shape or channels.
 */
export function processImage(processor: ImageProcessor, picture: Picture, maxTokens = Infinity): PatchedImage {
  const { patchSize, mergeSize, temporalPatchSize } = processor;
  const channels = processor.mean.length;
  const coloured = picture.channels === 1 && processor.rgb ? 3 : picture.channels;
  if (coloured !== channels)
    throw new InputError(`a picture of ${coloured} channels was given; the model takes ${channels}`);
  const factor = patchSize * mergeSize;
  const own = processor.resize
    ? smartResize(picture.height, picture.width, factor, processor)
    : ([picture.height, picture.width] as const);
  const wantedRows = (own[0] * own[1]) / factor ** 2;
  const isScaled = wantedRows > maxTokens;
  const [height, width] = isScaled ? withinTokens(picture, factor, maxTokens) : own;
  if (height % factor !== 0 || width % factor !== 0) {
    throw new InputError(
      `a picture of ${width} x ${height} pixels is not a multiple of ${factor} and do_resize is off`,
    );
  }
  const { data } = resizeBicubic(picture, width, height);
  const [gridHeight, gridWidth] = [height / patchSize, width / patchSize];
  const patches = new Float32Array(gridHeight * gridWidth * channels * temporalPatchSize * patchSize ** 2);
  const scaled = normalizer(processor);
  let at = 0;
  for (const [top, left] of blockOrder(gridHeight, gridWidth, mergeSize)) {
    for (let channel = 0; channel < channels; channel++) {
      const from = Math.min(channel, picture.channels - 1);
      const start = at;
      for (let y = top * patchSize; y < (top + 1) * patchSize; y++) {
        for (let x = left * patchSize; x < (left + 1) * patchSize; x++) {
          patches[at++] = scaled[channel]![data[(y * width + x) * picture.channels + from]!]!;
        }
      }
      // A still picture fills every frame of the temporal patch.
      for (let frame = 1; frame < temporalPatchSize; frame++, at += patchSize ** 2)
        patches.copyWithin(at, start, start + patchSize ** 2);
    }
  }
  return { grid: [1, gridHeight, gridWidth], patches, ...(isScaled && { wantedRows }) };
}

/** Applies the processor's rule for its own bound, and never returns more than `maxTokens`, even for a long picture. */
function withinTokens({ height, width }: Picture, factor: number, maxTokens: number): readonly [number, number] {
  const [h, w] = smartResize(height, width, factor, { minPixels: 0, maxPixels: maxTokens * factor ** 2 });
  const most = (other: number): number => Math.floor(maxTokens / (other / factor)) * factor;
  return h < w ? [h, Math.min(w, most(h))] : [Math.min(h, most(w)), w];
}

/** Yields the row and column of each patch: blocks of merge x merge, row by row. */
function* blockOrder(height: number, width: number, merge: number): Generator<readonly [number, number]> {
  for (let top = 0; top < height; top += merge) {
    for (let left = 0; left < width; left += merge) {
      for (let i = 0; i < merge * merge; i++) yield [top + Math.floor(i / merge), left + (i % merge)];
    }
  }
}

/**
 * Tabulates the value of each byte per channel: (byte - mean / rescale) / (std / rescale), in float32, fused as in
 * transformers.
 */
function normalizer({ mean, std, rescale }: ImageProcessor): Float32Array[] {
  return mean.map((center, channel) => {
    const [m, s] = [Math.fround(center / rescale), Math.fround(std[channel]! / rescale)];
    return Float32Array.from({ length: 256 }, (_, byte) => Math.fround(byte - m) / s);
  });
}
