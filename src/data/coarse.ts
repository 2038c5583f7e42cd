/**
 * Reduces a picture to a fraction of its resolution: only detail is lost (one of STIC's two corruptions, arXiv
 * 2405.19716, section 4.1).
 */
import type { Picture } from '../protocol/messages.ts';

/** Blocks along the shorter side. */
const BLOCKS = 10;

/** Same size; each square block has the mean of its pixels. */
export function coarsened({ width, height, channels, data }: Picture): Picture {
  const side = Math.max(2, Math.round(Math.min(width, height) / BLOCKS));
  const coarse = new Uint8Array(data.length);
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const [bottom, right] = [Math.min(height, top + side), Math.min(width, left + side)];
      for (let channel = 0; channel < channels; channel++) {
        const at = (x: number, y: number): number => (y * width + x) * channels + channel;
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += data[at(x, y)]!;
        const mean = Math.round(sum / ((bottom - top) * (right - left)));
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) coarse[at(x, y)] = mean;
      }
    }
  }
  return { width, height, channels, data: coarse };
}
