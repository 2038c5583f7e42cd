/**
 * Bicubic resampling byte for byte as torchvision resizes uint8 pictures, which is what transformers' processors call:
 * a = -0.5, anti-aliased, 16-bit fixed-point weights, first rows, then columns, rounded to bytes in between (ATen's
 * UpSampleKernel.cpp). Pillow, which it follows, has more bits in its weights: bytes differ from it by one here and
 * there.
 */

const SUPPORT = 2;
const MAX_PRECISION = 22;

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** [height, width, channels] */
  readonly data: Uint8Array;
}

export function resizeBicubic(image: Pixels, width: number, height: number): Pixels {
  const { channels } = image;
  const rows = image.width === width ? image.data : resample(image.data, image.height, image.width, width, channels);
  // A column pass is a row pass over lines whose elements are whole rows of bytes.
  const data = image.height === height ? rows : resample(rows, 1, image.height, height, width * channels);
  return { width, height, channels, data };
}

/** Resamples the middle axis of [lines, from, stride] to [lines, to, stride]. */
function resample(source: Uint8Array, lines: number, from: number, to: number, stride: number): Uint8Array {
  const out = new Uint8Array(lines * to * stride);
  const { taps, precision } = fixedPoint(exactTaps(from, to));
  const half = 2 ** (precision - 1);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      const { first, weights } = taps[i]!;
      const base = (line * from + first) * stride;
      const target = (line * to + i) * stride;
      for (let s = 0; s < stride; s++) {
        let sum = half;
        for (let k = 0; k < weights.length; k++) sum += source[base + k * stride + s]! * weights[k]!;
        out[target + s] = Math.min(255, Math.max(0, sum >> precision));
      }
    }
  }
  return out;
}

/** The source pixels that make one target pixel. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function exactTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = SUPPORT * stretch;
  return Array.from({ length: to }, (_, i) => {
    const center = scale * (i + 0.5);
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: end - first }, (_tap, k) =>
      bicubic((k + first - center + 0.5) * (1 / stretch)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

/** Weights as 16-bit integers, with as many fraction bits as the largest leaves room for. */
function fixedPoint(exact: readonly Taps[]): { taps: Taps[]; precision: number } {
  const largest = exact.reduce((max, { weights }) => Math.max(max, ...weights), 0);
  let precision = 0;
  while (precision < MAX_PRECISION && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 2 ** 15) precision++;
  const taps = exact.map(({ first, weights }) => ({
    first,
    weights: weights.map((weight) => roundAwayFromZero(weight * 2 ** precision)),
  }));
  return { taps, precision };
}

function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}

function roundAwayFromZero(x: number): number {
  return Math.trunc(x < 0 ? x - 0.5 : x + 0.5);
}
