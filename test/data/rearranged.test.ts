import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadPicture, pictureKey } from '../../src/data/picture.ts';
import { rearranged, type Arrangement } from '../../src/data/rearranged.ts';
import type { Picture } from '../../src/protocol/messages.ts';

const side = () => fc.integer({ min: 1, max: 5 });

/** A picture that divides into its pieces, but for up to 4 pixels at the right and below. */
const cut = fc
  .record({
    rows: side(),
    columns: side(),
    high: side(),
    wide: side(),
    below: fc.nat(4),
    right: fc.nat(4),
    channels: fc.constantFrom(1 as const, 3 as const),
  })
  .chain(({ rows, columns, high, wide, below, right, channels }) => {
    const [height, width] = [rows * high + (below % rows), columns * wide + (right % columns)];
    const bytes = width * height * channels;
    return fc.record({
      picture: fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((data): Picture => ({ width, height, channels, data })),
      arrangement: fc
        .shuffledSubarray(
          Array.from({ length: rows * columns }, (_, i) => i),
          { minLength: rows * columns },
        )
        .map((order): Arrangement => ({ rows, columns, order })),
    });
  });

const inverse = (order: readonly number[]): number[] => order.map((_, piece) => order.indexOf(piece));
const identity = ({ order, ...grid }: Arrangement): Arrangement => ({ ...grid, order: order.map((_, i) => i) });

/** Row `y` of a grey picture. */
const grey = (rows: readonly (readonly number[])[]): Picture => ({
  width: rows[0]!.length,
  height: rows.length,
  channels: 1,
  data: new Uint8Array(rows.flat()),
});

describe('rearranged', () => {
  it('puts piece order[i] of the original at place i, row by row', () => {
    const picture = grey([
      [11, 12, 21, 22],
      [13, 14, 23, 24],
      [31, 32, 41, 42],
      [33, 34, 43, 44],
    ]);
    expect(rearranged(picture, { rows: 2, columns: 2, order: [1, 2, 3, 0] })).toEqual(
      grey([
        [21, 22, 31, 32],
        [23, 24, 33, 34],
        [41, 42, 11, 12],
        [43, 44, 13, 14],
      ]),
    );
  });

  it('cuts off the pixels that do not divide, at the right and below', () => {
    const picture = grey([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    // prettier-ignore
    expect(rearranged(picture, { rows: 1, columns: 2, order: [1, 0] })).toEqual(grey([[2, 1], [5, 4], [8, 7]]));
    // prettier-ignore
    expect(rearranged(picture, { rows: 2, columns: 1, order: [1, 0] })).toEqual(grey([[4, 5, 6], [1, 2, 3]]));
  });

  it('keeps the channels of a pixel together', () => {
    const data = new Uint8Array([1, 2, 3, 4, 5, 6]);
    expect(rearranged({ width: 2, height: 1, channels: 3, data }, { rows: 1, columns: 2, order: [1, 0] }).data).toEqual(
      new Uint8Array([4, 5, 6, 1, 2, 3]),
    );
  });

  it('is undone by the inverse order, and loses no pixel of the pieces', () => {
    fc.assert(
      fc.property(cut, ({ picture, arrangement }) => {
        const before = rearranged(picture, identity(arrangement));
        const after = rearranged(picture, arrangement);
        expect([after.width % arrangement.columns, after.height % arrangement.rows]).toEqual([0, 0]);
        expect(after.data.toSorted()).toEqual(before.data.toSorted());
        expect(rearranged(after, { ...arrangement, order: inverse(arrangement.order) })).toEqual(before);
      }),
    );
  });

  it.each([
    ['too short', { rows: 2, columns: 2, order: [0, 1, 2] }],
    ['twice the same piece', { rows: 1, columns: 2, order: [1, 1] }],
    ['a piece that there is not', { rows: 1, columns: 2, order: [1, 2] }],
  ])('refuses an order that is no permutation: %s', (_, arrangement) => {
    // prettier-ignore
    expect(() => rearranged(grey([[1, 2], [3, 4]]), arrangement)).toThrow(/no permutation of the \d x \d pieces/);
  });

  it('refuses pieces of less than a pixel', () => {
    expect(() => rearranged(grey([[1, 2]]), { rows: 2, columns: 1, order: [1, 0] })).toThrow(
      'a picture of 2 x 1 pixels has no 2 x 1 pieces',
    );
  });

  it('is what a reference loads, under a name of its own for each arrangement', async () => {
    const of = { type: 'figure', key: 'plain/train/0/3' } as const;
    const arrangement = { rows: 2, columns: 2, order: [3, 1, 0, 2] };
    const ref = { type: 'rearranged', of, ...arrangement } as const;
    expect(await loadPicture(ref)).toEqual(rearranged(await loadPicture(of), arrangement));
    const others = [
      of,
      { ...ref, order: [3, 1, 2, 0] },
      { ...ref, rows: 1, columns: 4 },
      { ...ref, of: { ...of, key: 'plain/train/0/4' } },
    ];
    expect(others.map(pictureKey)).not.toContain(pictureKey(ref));
  });
});
