/** Host-side planning that every program over prompts shares: padding, rotary tables, and where the images' rows go. */
import { f32, i32, type HostTensor } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';
import type { ModelConfig } from '../models/qwen2_5_vl/config.ts';
import { textRotary } from '../models/qwen2_5_vl/rope.ts';
import { FORBIDDEN } from '../models/tensors.ts';
import { planVision, visionSpecs, type PatchedImage, type VisionShape } from '../models/qwen2_5_vl/vision-plan.ts';

/** A prompt as the model sees it. `positions` is [3, n] row-major. */
export interface EncodedPrompt {
  readonly ids: ArrayLike<number>;
  readonly positions: ArrayLike<number>;
  /** Position of the first token of the response. */
  readonly nextPosition: number;
  readonly images: readonly PatchedImage[];
}

export type Padding = 'left' | 'right';
export type Feeds = Record<string, HostTensor>;

/** Rounds up, so that few program shapes serve all lengths. */
export function bucket(length: number, multiple = 8): number {
  return Math.max(multiple, Math.ceil(length / multiple) * multiple);
}

/** Token rows of a program: ids, and positions of each of the three axes. */
export interface Rows {
  readonly ids: Int32Array;
  /** [3, N] */
  readonly positions: Int32Array;
}

export function emptyRows(count: number): Rows {
  return { ids: new Int32Array(count), positions: new Int32Array(3 * count) };
}

/** Where prompt `q`'s first token stands among rows of `length` a prompt. */
export function promptStart(prompt: EncodedPrompt, q: number, length: number, padding: Padding): number {
  return q * length + (padding === 'left' ? length - prompt.ids.length : 0);
}

/** Writes every prompt's ids and positions into the first Q*length rows. @throws RangeError when a prompt is longer than `length`. */
export function placePrompts(rows: Rows, prompts: readonly EncodedPrompt[], length: number, padding: Padding): void {
  const n = rows.ids.length;
  prompts.forEach((prompt, q) => {
    const size = prompt.ids.length;
    if (size > length) throw new RangeError(`prompt ${q} has ${size} tokens, the program holds ${length}`);
    const start = promptStart(prompt, q, length, padding);
    for (let i = 0; i < size; i++) {
      rows.ids[start + i] = prompt.ids[i]!;
      for (let axis = 0; axis < 3; axis++) rows.positions[axis * n + start + i] = prompt.positions[axis * size + i]!;
    }
  });
}

export function rotaryFeeds(config: ModelConfig, rows: Rows): Feeds {
  const shape = [rows.ids.length, config.text.headDim / 2];
  const { cos, sin } = textRotary(config.text, rows.positions);
  return { cos: f32(shape, cos), sin: f32(shape, sin) };
}

/** Key mask [Q, 1, 1, length]: 0 at prompt tokens, FORBIDDEN at padding. */
export function promptMask(prompts: readonly EncodedPrompt[], length: number, padding: Padding): HostTensor {
  const mask = new Float32Array(prompts.length * length).fill(FORBIDDEN);
  prompts.forEach((prompt, q) => {
    const start = promptStart(prompt, q, length, padding);
    mask.fill(0, start, start + prompt.ids.length);
  });
  return f32([prompts.length, 1, 1, length], mask);
}

/** Feeds of the vision tower and of `mixRows`; none when no prompt has an image. */
export function imageFeeds(
  config: ModelConfig,
  prompts: readonly EncodedPrompt[],
  rowCount: number,
  length: number,
  padding: Padding,
): { readonly shape?: VisionShape; readonly feeds: Feeds } {
  const images = prompts.flatMap((prompt) => prompt.images);
  if (images.length === 0) return { feeds: {} };
  const plan = planVision(config.vision, images);
  const source = Int32Array.from({ length: rowCount }, (_, row) => row);
  const isText = new Float32Array(rowCount).fill(1);
  const imageRows: number[] = [];
  prompts.forEach((prompt, q) => {
    const start = promptStart(prompt, q, length, padding);
    for (let i = 0; i < prompt.ids.length; i++) {
      if (prompt.ids[i] !== config.imageTokenId) continue;
      source[start + i] = rowCount + imageRows.length;
      isText[start + i] = 0;
      imageRows.push(start + i);
    }
  });
  const feeds = {
    ...plan.feeds,
    rowSource: i32([rowCount], source),
    rowIsText: f32([rowCount, 1], isText),
    imageRows: i32([imageRows.length], imageRows),
  };
  return { shape: plan.shape, feeds };
}

export function imageSpecs(config: ModelConfig, shape: VisionShape | undefined, rowCount: number): Specs {
  if (!shape) return {};
  return {
    ...visionSpecs(config.vision, shape),
    rowSource: { dtype: 'int32', shape: [rowCount] },
    rowIsText: { dtype: 'float32', shape: [rowCount, 1] },
    imageRows: { dtype: 'int32', shape: [shape.patches / config.vision.mergeSize ** 2] },
  };
}
