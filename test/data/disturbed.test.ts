import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { disturbed } from '../../src/data/disturbed.ts';
import { loadPicture, pictureKey } from '../../src/data/picture.ts';
import type { Picture } from '../../src/protocol/messages.ts';

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    channels: fc.constantFrom(1 as const, 3 as const),
  })
  .chain(({ width, height, channels }) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data): Picture => ({ width, height, channels, data })),
  );

describe('disturbed', () => {
  it('keeps the size, leaves the original alone and depends on the seed only', () => {
    fc.assert(
      fc.property(picture, fc.integer(), (before, seed) => {
        const copy = before.data.slice();
        const after = disturbed(before, seed);
        expect([after.width, after.height, after.channels]).toEqual([before.width, before.height, before.channels]);
        expect(disturbed(before, seed).data).toEqual(after.data);
        expect(before.data).toEqual(copy);
      }),
    );
  });

  it('moves by one pixel in forty, and adds noise that is small against the drawing', () => {
    const side = 80;
    const data = new Uint8Array(side * side).fill(40);
    for (let y = 30; y < 50; y++) for (let x = 30; x < 50; x++) data[y * side + x] = 200;
    const moves = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const after = disturbed({ width: side, height: side, channels: 1, data }, seed).data;
      const bright = [...after.keys()].filter((i) => after[i]! > 120);
      expect(bright).toHaveLength(400);
      moves.add(`${(bright[0]! % side) - 30},${Math.floor(bright[0]! / side) - 30}`);
      const noise = after.reduce((sum, value) => sum + (value > 120 ? value - 200 : value - 40) ** 2, 0) / after.length;
      expect(Math.sqrt(noise)).toBeGreaterThan(3.5);
      expect(Math.sqrt(noise)).toBeLessThan(4.5);
    }
    expect([...moves].toSorted()).toEqual(['-2,0', '0,-2', '0,2', '2,0']);
  });

  it('is what a disturbed reference loads, under a name of its own', async () => {
    const of = { type: 'figure', key: 'plain/train/0/3' } as const;
    const clean = await loadPicture(of);
    expect(await loadPicture({ type: 'disturbed', of, seed: 1 })).toEqual(disturbed(clean, 1));
    expect(
      new Set([
        pictureKey(of),
        pictureKey({ type: 'disturbed', of, seed: 1 }),
        pictureKey({ type: 'disturbed', of, seed: 2 }),
      ]).size,
    ).toBe(3);
  });
});
