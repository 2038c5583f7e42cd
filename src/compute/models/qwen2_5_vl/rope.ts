/**
 * Multimodal rotary positions (M-RoPE), as transformers' `get_rope_index`: text tokens advance time, height and width
 * together; an image's tokens share the time at which it starts and count rows and columns; the text after it
 * continues from its longer side. The host computes the cos/sin tables in float32, as PyTorch does.
 */
import { InputError } from '../../../protocol/errors.ts';
import { f32 } from '../../../protocol/tensor.ts';
import type { Specs } from '../../engine/engine.ts';
import type { Feeds, Grid, PatchedImage, Positions } from '../family.ts';
import type { QwenConfig, TextConfig, VisionConfig } from './config.ts';

/** Tokens that an image of this grid takes in the prompt. */
export function imageTokens(grid: Grid, mergeSize: number): number {
  return (grid[0] * grid[1] * grid[2]) / (mergeSize * mergeSize);
}

/** Time, height and width of every token. @throws InputError when the runs of image tokens do not fit the images. */
export function ropeIndex(
  config: QwenConfig,
  ids: ArrayLike<number>,
  images: readonly Pick<PatchedImage, 'grid'>[],
): Positions {
  const n = ids.length;
  const out = new Int32Array(3 * n);
  let [at, next, image] = [0, 0, 0];
  while (at < n) {
    if (ids[at] !== config.imageTokenId) {
      out[at] = out[n + at] = out[2 * n + at] = next++;
      at++;
      continue;
    }
    let end = at;
    while (end < n && ids[end] === config.imageTokenId) end++;
    const grid = images[image++]?.grid;
    if (!grid) throw new InputError(`the prompt has ${image} runs of image tokens but only ${images.length} images`);
    const wanted = imageTokens(grid, config.vision.mergeSize);
    if (wanted !== end - at) {
      throw new InputError(
        `image ${image} takes ${wanted} tokens (grid ${grid.join(' x ')}), its run in the prompt has ${end - at}`,
      );
    }
    next = placeImage(out, n, at, next, grid, config.vision.mergeSize);
    at = end;
  }
  if (image !== images.length)
    throw new InputError(`the prompt has ${image} runs of image tokens but ${images.length} images`);
  return { ids: out, next };
}

/** Returns the position after the image. */
function placeImage(out: Int32Array, n: number, at: number, start: number, grid: Grid, mergeSize: number): number {
  const [frames, height, width] = [grid[0], grid[1] / mergeSize, grid[2] / mergeSize];
  let slot = at;
  for (let t = 0; t < frames; t++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, slot++) {
        out[slot] = start + t;
        out[n + slot] = start + y;
        out[2 * n + slot] = start + x;
      }
    }
  }
  return start + Math.max(height, width);
}

interface RotaryTable {
  /** [N, hd / 2] each, every angle once. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Inputs of the decoder for N rows. */
export function rotarySpecs({ headDim }: TextConfig, rows: number): Specs {
  const table = { dtype: 'float32', shape: [rows, headDim / 2] } as const;
  return { cos: table, sin: table };
}

/** @param positions [3, N]. */
export function rotaryFeeds(config: TextConfig, positions: ArrayLike<number>): Feeds {
  const shape = [positions.length / 3, config.headDim / 2];
  const { cos, sin } = textRotary(config, positions);
  return { cos: f32(shape, cos), sin: f32(shape, sin) };
}

/** Table of N tokens from positions [3, N]. */
function textRotary(config: TextConfig, positions: ArrayLike<number>): RotaryTable {
  const n = positions.length / 3;
  const axes = config.mropeSection.flatMap((size, section) => Array.from<number>({ length: size }).fill(section % 3));
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim);
  return table(n, config.headDim / 2, (row, i) => Math.fround((positions[axes[i]! * n + row] ?? 0) * frequencies[i]!));
}

/** Table of N patches from their rows and columns [N]. */
export function visionRotary(config: VisionConfig, rows: ArrayLike<number>, columns: ArrayLike<number>): RotaryTable {
  const quarter = config.headDim / 4;
  const frequencies = inverseFrequencies(config.ropeTheta, config.headDim / 2);
  return table(rows.length, config.headDim / 2, (row, i) => {
    const position = i < quarter ? rows[row]! : columns[row]!;
    return Math.fround(position * frequencies[i % quarter]!);
  });
}

function inverseFrequencies(theta: number, size: number): Float32Array {
  return Float32Array.from({ length: size / 2 }, (_, i) => 1 / Math.fround(theta ** Math.fround((2 * i) / size)));
}

function table(n: number, width: number, angle: (row: number, i: number) => number): RotaryTable {
  const [cos, sin] = [new Float32Array(n * width), new Float32Array(n * width)];
  for (let row = 0; row < n; row++) {
    for (let i = 0; i < width; i++) {
      const a = angle(row, i);
      cos[row * width + i] = Math.cos(a);
      sin[row * width + i] = Math.sin(a);
    }
  }
  return { cos, sin };
}
