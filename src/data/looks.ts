/** Statistics of how a picture looks, without knowing what it shows. */
import type { Picture } from '../protocol/messages.ts';

export interface Looks {
  /** Length of the outlines between ink and paper, in steps between neighbours a pixel. */
  readonly edges: number;
  /** Connected pieces of ink. */
  readonly parts: number;
}

/** Longest side on which a picture is looked at, in cells: the statistics of large and small pictures compare. */
const SIDE = 64;
/** Difference from the paper's tone from which a cell is ink, of 255. */
const INK = 48;
const TONES = 16;
/** Cells of the smallest piece; less is noise. */
const SPECK = 3;

export function looksOf(picture: Picture): Looks {
  const { width, height, tones } = reduced(picture);
  const ink = inked(tones);
  let edges = 0;
  for (let at = 0; at < ink.length; at++) {
    if ((at + 1) % width !== 0 && ink[at] !== ink[at + 1]) edges += 1;
    if (at + width < ink.length && ink[at] !== ink[at + width]) edges += 1;
  }
  return { edges: edges / ink.length, parts: pieces(ink, width, height) };
}

/** Grey cells, each the mean of a block of pixels, or one pixel. */
function reduced({ width, height, channels, data }: Picture) {
  const side = Math.max(1, Math.ceil(Math.max(width, height) / SIDE));
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)];
  const tones = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [bottom, right] = [Math.min(height, (row + 1) * side), Math.min(width, (column + 1) * side)];
      let [sum, count] = [0, 0];
      for (let y = row * side; y < bottom; y++) {
        for (let i = (y * width + column * side) * channels; i < (y * width + right) * channels; i++, count++)
          sum += data[i]!;
      }
      tones[row * columns + column] = sum / count;
    }
  }
  return { width: columns, height: rows, tones };
}

/** The paper has the most frequent tone. */
function inked(tones: Float64Array): Uint8Array {
  const band = 256 / TONES;
  const counts = Array.from({ length: TONES }, () => 0);
  for (const tone of tones) counts[Math.floor(tone / band)]! += 1;
  const paper = (counts.indexOf(Math.max(...counts)) + 0.5) * band;
  return Uint8Array.from(tones, (tone) => Number(Math.abs(tone - paper) > INK));
}

/** Neighbours at a corner are connected. */
function pieces(ink: Uint8Array, width: number, height: number): number {
  const left = Uint8Array.from(ink);
  let found = 0;
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    const stack = [start];
    left[start] = 0;
    let size = 0;
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      size += 1;
      const [x, y] = [at % width, Math.floor(at / width)];
      for (let b = Math.max(0, y - 1); b <= Math.min(height - 1, y + 1); b++) {
        for (let a = Math.max(0, x - 1); a <= Math.min(width - 1, x + 1); a++) {
          if (left[b * width + a] === 0) continue;
          left[b * width + a] = 0;
          stack.push(b * width + a);
        }
      }
    }
    if (size >= SPECK) found += 1;
  }
  return found;
}
