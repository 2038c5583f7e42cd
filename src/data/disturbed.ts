/**
 * Moves a picture a little and makes it slightly noisy: its content, and so the answer to a question, stays the same.
 */
import type { Picture } from '../protocol/messages.ts';
import { Random } from './rng.ts';

/** Largest shift as a share of the shorter side; at least one pixel. */
const SHIFT = 1 / 40;
/** Standard deviation, in grey levels of 255. */
const NOISE = 4;

/**
 * Same size. The same `seed` shifts and disturbs every picture of a size in the same way; the edge is repeated into the
 * gap.
 */
export function disturbed({ width, height, channels, data }: Picture, seed: number): Picture {
  const random = new Random(seed, 'disturbed');
  const by = Math.max(1, Math.round(Math.min(width, height) * SHIFT));
  const [right, down] = random.pick([
    [by, 0],
    [-by, 0],
    [0, by],
    [0, -by],
  ] as const);
  const result = new Uint8Array(data.length);
  const within = (i: number, size: number): number => Math.min(size - 1, Math.max(0, i));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (within(y - down, height) * width + within(x - right, width)) * channels;
      for (let channel = 0; channel < channels; channel++) {
        const noisy = Math.round(data[from + channel]! + NOISE * random.normal());
        result[(y * width + x) * channels + channel] = Math.min(255, Math.max(0, noisy));
      }
    }
  }
  return { width, height, channels, data: result };
}
