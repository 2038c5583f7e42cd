/**
 * Plans the vision tower on the host: all that depends on the images' grids becomes index, mask and cos/sin inputs, so
 * that one program serves every batch of the same shape. Follows transformers' `get_vision_window_index`.
 */
import { InputError } from '../../../protocol/errors.ts';
import { f32, i32, type HostTensor } from '../../../protocol/tensor.ts';
import type { Specs } from '../../engine/engine.ts';
import type { VisionConfig } from './config.ts';
import { FORBIDDEN, type Feeds, type Grid, type ImageShape, type PatchedImage } from '../family.ts';
import { imageTokens, visionRotary } from './rope.ts';

/** Attention within `count` segments of `size` slots; `padded` when some slots are empty. */
export interface Segments {
  readonly count: number;
  readonly size: number;
  readonly padded: boolean;
}

export interface VisionShape extends ImageShape {
  /** Patches of all images. */
  readonly patches: number;
  readonly full: Segments;
  /** Absent when every block attends to the whole image. */
  readonly window?: Segments & { readonly permuted: boolean };
}

export interface VisionPlan {
  readonly shape: VisionShape;
  readonly feeds: Feeds;
}

/** The arrangement of a shape's patches. */
type Layout = Omit<VisionShape, keyof ImageShape>;

/** Merged-token rows in window order, and the patch counts of the windows. */
export interface Windows {
  readonly order: number[];
  readonly sizes: number[];
}

export function usesWindows(config: VisionConfig): boolean {
  return Array.from({ length: config.depth }, (_, i) => i).some((i) => !config.fullAttentionBlocks.includes(i));
}

/** @throws InputError when an image's patches do not fill its grid. */
export function planVision(config: VisionConfig, images: readonly PatchedImage[]): VisionPlan {
  const width = patchWidth(config);
  const grids = images.map((image) => image.grid);
  const total = grids.reduce((sum, [t, h, w]) => sum + t * h * w, 0);
  const patches = concatPatches(images, total, width);
  const windows = usesWindows(config) ? windowOrder(config, grids) : undefined;
  const unit = config.mergeSize ** 2;
  const permuted = windows?.order.some((row, i) => row !== i) ?? false;
  const places = patchPlaces(config, grids);
  const inOrder = (values: number[]) =>
    permuted ? windows!.order.flatMap((row) => values.slice(row * unit, (row + 1) * unit)) : values;
  const rotary = visionRotary(config, inOrder(places.rows), inOrder(places.columns));
  const full = segments(
    'full',
    grids.flatMap(([t, h, w]) => Array.from<number>({ length: t }).fill(h * w)),
  );
  const window = windows && segments('window', windows.sizes);
  const layout: Layout = { patches: total, full: full.shape, ...(window && { window: { ...window.shape, permuted } }) };
  const rows = grids.reduce((sum, grid) => sum + imageTokens(grid, config.mergeSize), 0);
  return {
    shape: { ...layout, name: visionName(layout), rows, inputs: visionSpecs(config, layout) },
    feeds: {
      patches: f32([total, width], patches),
      visionCos: f32([total, config.headDim / 2], rotary.cos),
      visionSin: f32([total, config.headDim / 2], rotary.sin),
      ...(permuted && orderFeeds(windows!.order)),
      ...full.feeds,
      ...window?.feeds,
    },
  };
}

/** Values of a patch. */
export function patchWidth({ channels, temporalPatchSize, patchSize }: VisionConfig): number {
  return channels * temporalPatchSize * patchSize ** 2;
}

/** @throws InputError when an image's patches do not fill its grid. */
export function concatPatches(images: readonly PatchedImage[], total: number, width: number): Float32Array {
  const out = new Float32Array(total * width);
  let at = 0;
  for (const { grid, patches } of images) {
    const wanted = grid[0] * grid[1] * grid[2] * width;
    if (patches.length !== wanted)
      throw new InputError(`an image of grid ${grid.join(' x ')} needs ${wanted} patch values, got ${patches.length}`);
    out.set(patches, at);
    at += wanted;
  }
  return out;
}

/** Returns the row and column of every patch, in merge-block order. */
export function patchPlaces(config: VisionConfig, grids: readonly Grid[]): { rows: number[]; columns: number[] } {
  const [rows, columns, merge]: [number[], number[], number] = [[], [], config.mergeSize];
  for (const [frames, height, width] of grids) {
    for (let t = 0; t < frames; t++) {
      for (let y = 0; y < height; y += merge) {
        for (let x = 0; x < width; x += merge) {
          for (let i = 0; i < merge * merge; i++) {
            rows.push(y + Math.floor(i / merge));
            columns.push(x + (i % merge));
          }
        }
      }
    }
  }
  return { rows, columns };
}

/** Merged tokens per side of a window; 1 when every block attends to the whole image. */
export function windowSide(config: VisionConfig): number {
  return usesWindows(config) ? Math.floor(config.windowSize / config.mergeSize / config.patchSize) : 1;
}

export function windowOrder(config: VisionConfig, grids: readonly Grid[]): Windows {
  const side = windowSide(config);
  const [order, sizes]: [number[], number[]] = [[], []];
  let start = 0;
  for (const [frames, gridHeight, gridWidth] of grids) {
    const [height, width] = [gridHeight / config.mergeSize, gridWidth / config.mergeSize];
    for (let t = 0; t < frames; t++, start += height * width) {
      for (let top = 0; top < height; top += side) {
        for (let left = 0; left < width; left += side) {
          const before = order.length;
          for (let y = top; y < Math.min(top + side, height); y++) {
            for (let x = left; x < Math.min(left + side, width); x++) order.push(start + y * width + x);
          }
          sizes.push((order.length - before) * config.mergeSize ** 2);
        }
      }
    }
  }
  return { order, sizes };
}

function orderFeeds(order: readonly number[]): Record<string, HostTensor> {
  return { visionOrder: i32([order.length], order), visionInverse: i32([order.length], invert(order, order.length)) };
}

/** Segments of equal size need no slots: the program views the rows as [count, size]. */
function segments(name: string, sizes: readonly number[]): { shape: Segments; feeds: Record<string, HostTensor> } {
  const size = Math.max(...sizes);
  const shape: Segments = { count: sizes.length, size, padded: sizes.some((other) => other !== size) };
  if (!shape.padded) return { shape, feeds: {} };
  const slots = new Int32Array(sizes.length * size);
  const mask = new Float32Array(sizes.length * size).fill(FORBIDDEN);
  const used = new Float32Array(sizes.length * size);
  const rows: number[] = [];
  sizes.forEach((length, segment) => {
    for (let i = 0; i < length; i++) {
      slots[segment * size + i] = rows.length;
      mask[segment * size + i] = 0;
      used[segment * size + i] = 1;
      rows.push(segment * size + i);
    }
  });
  return {
    shape,
    feeds: {
      [`${name}Slots`]: i32([slots.length], slots),
      [`${name}Rows`]: i32([rows.length], rows),
      [`${name}Used`]: f32([used.length, 1], used),
      [`${name}Mask`]: f32([sizes.length, 1, 1, size], mask),
    },
  };
}

function invert(order: readonly number[], length: number): Int32Array {
  const inverse = new Int32Array(length);
  order.forEach((row, i) => (inverse[row] = i));
  return inverse;
}

/** Inputs of `visionForward` other than the weights. */
function visionSpecs(config: VisionConfig, shape: Layout): Specs {
  const n = shape.patches;
  const merged = n / config.mergeSize ** 2;
  const specs: Record<string, Specs[string]> = {
    patches: { dtype: 'float32', shape: [n, patchWidth(config)] },
    visionCos: { dtype: 'float32', shape: [n, config.headDim / 2] },
    visionSin: { dtype: 'float32', shape: [n, config.headDim / 2] },
  };
  if (shape.window?.permuted) {
    specs['visionOrder'] = specs['visionInverse'] = { dtype: 'int32', shape: [merged] };
  }
  for (const [name, layout] of [
    ['full', shape.full],
    ['window', shape.window],
  ] as const) {
    if (!layout?.padded) continue;
    specs[`${name}Slots`] = { dtype: 'int32', shape: [layout.count * layout.size] };
    specs[`${name}Rows`] = { dtype: 'int32', shape: [n] };
    specs[`${name}Used`] = { dtype: 'float32', shape: [layout.count * layout.size, 1] };
    specs[`${name}Mask`] = { dtype: 'float32', shape: [layout.count, 1, 1, layout.size] };
  }
  return specs;
}

/** Encodes every static setting of the shape for a program's name. */
function visionName(shape: Layout): string {
  const segment = (layout: Segments | undefined) =>
    layout ? `${layout.count}x${layout.size}${layout.padded ? 'p' : ''}` : '-';
  return `v${shape.patches}:${segment(shape.full)}:${segment(shape.window)}${shape.window?.permuted ? 'o' : ''}`;
}
