import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coarsened } from '../../src/data/coarse.ts';
import { loadPicture, pictureKey } from '../../src/data/picture.ts';
import type { Picture } from '../../src/protocol/messages.ts';

const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 30 }),
    height: fc.integer({ min: 1, max: 30 }),
    channels: fc.constantFrom(1 as const, 3 as const),
  })
  .chain(({ width, height, channels }) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((data): Picture => ({ width, height, channels, data })),
  );

describe('coarsened', () => {
  it('keeps size and range, and changes nothing the second time', () => {
    fc.assert(
      fc.property(picture, (before) => {
        const after = coarsened(before);
        expect([after.width, after.height, after.channels]).toEqual([before.width, before.height, before.channels]);
        expect(Math.min(...after.data)).toBeGreaterThanOrEqual(Math.min(...before.data));
        expect(Math.max(...after.data)).toBeLessThanOrEqual(Math.max(...before.data));
        expect(coarsened(after).data).toEqual(after.data);
      }),
    );
  });

  it('is the mean of each block, channel by channel', () => {
    const data = new Uint8Array([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
    expect([...coarsened({ width: 2, height: 2, channels: 3, data }).data]).toEqual([
      45, 55, 65, 45, 55, 65, 45, 55, 65, 45, 55, 65,
    ]);
  });

  it('is what a coarse reference loads, under a name of its own', async () => {
    const of = { type: 'figure', key: 'plain/train/0/3' } as const;
    const clean = await loadPicture(of);
    expect(await loadPicture({ type: 'coarse', of })).toEqual(coarsened(clean));
    expect(coarsened(clean).data).not.toEqual(clean.data);
    expect(pictureKey({ type: 'coarse', of })).not.toBe(pictureKey(of));
  });
});
