/** The size at which a picture is cut into patches: the rule of transformers' `Qwen2VLImageProcessor`. */
import { InputError } from '../../protocol/errors.ts';

export interface PixelBounds {
  readonly minPixels: number;
  readonly maxPixels: number;
}

const MAX_ASPECT = 200;

/**
 * Returns the nearest [height, width] whose sides are multiples of `factor` and whose pixels are within the
 * processor's bounds, close to the same aspect ratio. @throws InputError for a picture more than 200 times as long as
 * wide.
 */
export function smartResize(
  height: number,
  width: number,
  factor: number,
  { minPixels, maxPixels }: PixelBounds,
): [number, number] {
  const aspect = Math.max(height, width) / Math.min(height, width);
  if (aspect > MAX_ASPECT)
    throw new InputError(
      `a picture of ${width} x ${height} pixels: its aspect ratio ${aspect.toFixed(0)} is over ${MAX_ASPECT}`,
    );
  const size: [number, number] = [roundHalfEven(height / factor) * factor, roundHalfEven(width / factor) * factor];
  if (size[0] * size[1] > maxPixels) {
    const beta = Math.sqrt((height * width) / maxPixels);
    return [
      Math.max(factor, Math.floor(height / beta / factor) * factor),
      Math.max(factor, Math.floor(width / beta / factor) * factor),
    ];
  }
  if (size[0] * size[1] < minPixels) {
    const beta = Math.sqrt(minPixels / (height * width));
    return [Math.ceil((height * beta) / factor) * factor, Math.ceil((width * beta) / factor) * factor];
  }
  return size;
}

/** Python's `round`. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}
