/**
 * Host-side planning that every program over prompts shares: padding, positions, and the places of the images' rows.
 */
import { f32, i32, type HostTensor } from '../../protocol/tensor.ts';
import type { Specs } from '../engine/engine.ts';
import {
  FORBIDDEN,
  type Architecture,
  type EmbeddedImage,
  type EncodedPrompt,
  type Feeds,
  type ImageShape,
  type PatchedImage,
  type PromptImage,
} from '../models/family.ts';

export type Padding = 'left' | 'right';

/** Rounds up, so that few program shapes serve all lengths. */
export function bucket(length: number, multiple = 8): number {
  return Math.max(multiple, Math.ceil(length / multiple) * multiple);
}

/** Rounds up to the few sizes for which large programs are compiled: 8, then two sizes per octave. */
export function ladder(count: number): number {
  let size = 8;
  while (size < count) size += size & (size - 1) ? size / 3 : size / 2;
  return size;
}

/** Token rows of a program: ids, and positions on each axis. */
export interface Rows {
  readonly ids: Int32Array;
  /** [axes, N] */
  readonly positions: Int32Array;
}

export function emptyRows({ positions }: Architecture, count: number): Rows {
  return { ids: new Int32Array(count), positions: new Int32Array(positions.axes * count) };
}

/** Returns the row of prompt `q`'s first token, with `length` rows per prompt. */
export function promptStart(prompt: EncodedPrompt, q: number, length: number, padding: Padding): number {
  return q * length + (padding === 'left' ? length - prompt.ids.length : 0);
}

/**
 * Writes every prompt's ids and positions into the first Q*length rows. @throws RangeError when a prompt is longer than
 * `length`.
 */
export function placePrompts(rows: Rows, prompts: readonly EncodedPrompt[], length: number, padding: Padding): void {
  const n = rows.ids.length;
  const axes = rows.positions.length / n;
  prompts.forEach((prompt, q) => {
    const size = prompt.ids.length;
    if (size > length) throw new RangeError(`prompt ${q} has ${size} tokens, the program holds ${length}`);
    const start = promptStart(prompt, q, length, padding);
    for (let i = 0; i < size; i++) {
      rows.ids[start + i] = prompt.ids[i]!;
      for (let axis = 0; axis < axes; axis++) rows.positions[axis * n + start + i] = prompt.positions[axis * size + i]!;
    }
  });
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

/**
 * Returns the feeds for the places of the images' rows and for their content: the patches, when the program contains
 * the vision tower, or the rows that the tower computed earlier. There are no feeds when no prompt has an image.
 */
export function imageFeeds(
  { vision, dimensions }: Architecture,
  prompts: readonly EncodedPrompt[],
  rowCount: number,
  length: number,
  padding: Padding,
): { readonly shape?: ImageShape; readonly feeds: Feeds } {
  const images = prompts.flatMap((prompt) => prompt.images);
  if (images.length === 0) return { feeds: {} };
  if (!vision) throw new RangeError(`the prompts hold ${images.length} images, and the model takes none`);
  const plan = images.every(isEmbedded)
    ? planRows(images, dimensions.hiddenSize)
    : vision.plan(images.map((image, i) => withPatches(image, i)));
  const source = Int32Array.from({ length: rowCount }, (_, row) => row);
  const isText = new Float32Array(rowCount).fill(1);
  const imageRows: number[] = [];
  prompts.forEach((prompt, q) => {
    const start = promptStart(prompt, q, length, padding);
    for (let i = 0; i < prompt.ids.length; i++) {
      if (prompt.ids[i] !== vision.tokenId) continue;
      source[start + i] = rowCount + imageRows.length;
      isText[start + i] = 0;
      imageRows.push(start + i);
    }
  });
  const feeds = {
    ...plan.feeds,
    rowSource: i32([rowCount], source),
    rowIsText: f32([rowCount, 1], isText),
    ...(!isOfRows(plan.shape) && { imageRows: i32([imageRows.length], imageRows) }),
  };
  return { shape: plan.shape, feeds };
}

const isEmbedded = (image: PromptImage): image is EmbeddedImage => 'rows' in image;

function withPatches(image: PromptImage, at: number): PatchedImage {
  if (!isEmbedded(image)) return image;
  throw new RangeError(`image ${at} already has its rows, but others of the batch do not`);
}

/** Concatenates the rows of all images and pads them, so that there are few shapes; no program reads the padding. */
function planRows(images: readonly EmbeddedImage[], width: number): { shape: ImageShape; feeds: Feeds } {
  const total = images.reduce((sum, { rows }) => sum + rows.length, 0) / width;
  let padded = LEAST_ROWS;
  while (padded < total) padded *= 2;
  const data = new Float32Array(padded * width);
  let at = 0;
  for (const { rows } of images) {
    data.set(rows, at);
    at += rows.length;
  }
  return {
    shape: {
      name: `rows:${padded}`,
      rows: padded,
      inputs: { [PICTURE_ROWS]: { dtype: 'float32', shape: [padded, width] } },
    },
    feeds: { [PICTURE_ROWS]: f32([padded, width], data) },
  };
}

const LEAST_ROWS = 64;
/** Program input [M, D]. */
export const PICTURE_ROWS = 'pictureRows';

/** Whether the program takes rows instead of patches and the tower's weights. */
export function isOfRows(shape: ImageShape): boolean {
  return PICTURE_ROWS in shape.inputs;
}

/** Returns the inputs for the images of a shape; empty without images. */
export function imageSpecs(shape: ImageShape | undefined, rowCount: number): Specs {
  if (!shape) return {};
  return {
    ...shape.inputs,
    rowSource: { dtype: 'int32', shape: [rowCount] },
    rowIsText: { dtype: 'float32', shape: [rowCount, 1] },
    ...(!isOfRows(shape) && { imageRows: { dtype: 'int32', shape: [shape.rows] } as const }),
  };
}
