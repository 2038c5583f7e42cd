/** A picture cut into pieces and rearranged: jigsaws (Jigsaw-R1, arXiv 2505.23590, section 3). */
import { InputError } from '../protocol/errors.ts';
import type { Picture } from '../protocol/messages.ts';

export interface Arrangement {
  readonly rows: number;
  readonly columns: number;
  /** Piece of the original at each place, row by row. */
  readonly order: readonly number[];
}

/**
 * `[height, width]` rounded down to multiples of `rows` and `columns`. @throws InputError for an order that is not a
 * permutation, or pieces below one pixel.
 */
export function rearranged(picture: Picture, { rows, columns, order }: Arrangement): Picture {
  const { channels, data } = picture;
  const [high, wide] = [Math.floor(picture.height / rows), Math.floor(picture.width / columns)];
  const isPermutation =
    order.length === rows * columns && order.toSorted((a, b) => a - b).every((piece, i) => piece === i);
  if (!isPermutation)
    throw new InputError(
      `order [${order.join(', ')}] is no permutation of the ${rows} x ${columns} pieces 0 to ${rows * columns - 1}`,
    );
  if (!(high >= 1 && wide >= 1)) {
    throw new InputError(
      `a picture of ${picture.width} x ${picture.height} pixels has no ${rows} x ${columns} pieces: give fewer rows or columns`,
    );
  }
  const result = new Uint8Array(rows * high * columns * wide * channels);
  order.forEach((piece, place) => {
    const [fromTop, fromLeft] = [Math.floor(piece / columns) * high, (piece % columns) * wide];
    const [top, left] = [Math.floor(place / columns) * high, (place % columns) * wide];
    for (let y = 0; y < high; y++) {
      const start = ((fromTop + y) * picture.width + fromLeft) * channels;
      result.set(data.subarray(start, start + wide * channels), ((top + y) * columns * wide + left) * channels);
    }
  });
  return { width: columns * wide, height: rows * high, channels, data: result };
}
