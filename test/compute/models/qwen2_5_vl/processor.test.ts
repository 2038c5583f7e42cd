import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import {
  parseProcessor,
  processImage,
  type ImageProcessor,
} from '../../../../src/compute/models/qwen2_5_vl/processor.ts';
import { resizeBicubic } from '../../../../src/compute/hf/resize.ts';
import { readSafetensors } from '../../../../src/compute/hf/safetensors.ts';
import { smartResize } from '../../../../src/compute/models/smart-resize.ts';
import { readPicture } from '../../../../src/data/image.ts';
import { InputError } from '../../../../src/protocol/errors.ts';
import type { VisionConfig } from '../../../../src/compute/models/qwen2_5_vl/config.ts';

const FOLDER = fileURLToPath(new URL('../../../fixtures/qwen2_5_vl/processor/', import.meta.url));
const PICTURES = fileURLToPath(new URL('../../../fixtures/pictures/', import.meta.url));
const VISION = { patchSize: 4, mergeSize: 2, temporalPatchSize: 2, channels: 3 } as VisionConfig;
/** One byte step of the input, after normalization. */
const STEP = 1 / 255 / 0.26130258;

async function fixture(): Promise<{ processor: ImageProcessor; grids: Record<string, number[]> }> {
  const { grids } = JSON.parse(await readFile(`${FOLDER}expected.json`, 'utf8')) as { grids: Record<string, number[]> };
  return {
    processor: parseProcessor(
      JSON.parse(await readFile(`${FOLDER}preprocessor_config.json`, 'utf8')),
      VISION,
      'fixture',
    ),
    grids,
  };
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe('processImage', () => {
  test.each(['noise.png', 'smooth.png', 'grey.png', 'alpha.png', 'tiny.png', 'palette.png'])(
    '%s becomes the patches that transformers makes of it',
    async (name) => {
      const { processor, grids } = await fixture();
      const expected = await readSafetensors(`${FOLDER}patches.safetensors`);
      const { grid, patches } = processImage(processor, await readPicture(FOLDER + name));
      expect(grid).toEqual(grids[name]);
      // Of the transparent picture the fixture has only what transformers makes of it without torchvision.
      if (name !== 'alpha.png') expect(difference(patches, expected[`torchvision/${name}`]!.data)).toBeLessThan(1e-5);
      // The processor without torchvision: a byte may round the other way.
      expect(difference(patches, expected[`pil/${name}`]!.data)).toBeLessThan(1.5 * STEP);
    },
  );

  test('a picture with another number of channels than the model is refused', async () => {
    const { processor } = await fixture();
    const grey = { ...processor, rgb: false };
    expect(() => processImage(grey, { width: 16, height: 16, channels: 1, data: new Uint8Array(256) })).toThrow(
      InputError,
    );
  });

  test('patches of another size than the model are refused, naming both', () => {
    expect(() => parseProcessor({ patch_size: 14 }, VISION, 'p.json')).toThrow(
      /p\.json: patch_size.* 14, 2, 2.* 4, 2, 2/,
    );
  });
});

describe('smartResize', () => {
  test('keeps its three promises', () => {
    const side = fc.integer({ min: 1, max: 4000 });
    fc.assert(
      fc.property(side, side, fc.constantFrom(8, 28, 32), (height, width, factor) => {
        fc.pre(Math.max(height, width) / Math.min(height, width) <= 200);
        const bounds = { minPixels: 4 * factor ** 2, maxPixels: 1024 * factor ** 2 };
        const [h, w] = smartResize(height, width, factor, bounds);
        expect([h % factor, w % factor]).toEqual([0, 0]);
        expect(h * w).toBeGreaterThanOrEqual(bounds.minPixels);
        // A long thin picture may need one factor of width more than the bound allows.
        if (Math.min(h, w) > factor) expect(h * w).toBeLessThanOrEqual(bounds.maxPixels);
      }),
      { seed: 5 },
    );
  });

  test('rounds halves to even, as Python does', () => {
    expect(smartResize(70, 98, 28, { minPixels: 1, maxPixels: 1e9 })).toEqual([56, 112]);
  });

  test('refuses an aspect ratio over 200', () => {
    expect(() => smartResize(10, 2001, 28, { minPixels: 1, maxPixels: 1e9 })).toThrow(/2001 x 10 .*200/);
  });
});

test('resizing to the same size changes nothing, and a flat picture stays flat', () => {
  const bytes = fc.uint8Array({ minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(bytes, (data) => {
      const image = { width: 2, height: 2, channels: 3, data };
      expect(resizeBicubic(image, 2, 2).data).toEqual(data);
    }),
    { seed: 1 },
  );
  const flat = { width: 7, height: 5, channels: 1, data: new Uint8Array(35).fill(173) };
  expect(new Set(resizeBicubic(flat, 16, 3).data)).toEqual(new Set([173]));
});

describe('readPicture', () => {
  test('is what transformers 5 makes of every kind of picture: white behind what is transparent, CMYK, BMP', async () => {
    const expected = JSON.parse(await readFile(`${PICTURES}expected.json`, 'utf8')) as Record<string, string>;
    expect(Object.keys(expected).length).toBeGreaterThan(15);
    for (const [name, base64] of Object.entries(expected)) {
      const { width, height, channels, data } = await readPicture(PICTURES + name);
      expect([name, width, height, channels]).toEqual([name, 13, 7, 3]);
      expect([name, Buffer.from(data).toString('base64')]).toEqual([name, base64]);
    }
  });

  test('a damaged BMP is an error, at any byte', async () => {
    for (const name of ['runs-4.bmp', 'index-8.bmp', 'alpha-32.bmp']) {
      const whole = await readFile(PICTURES + name);
      const read = async (bytes: Uint8Array): Promise<unknown> =>
        readPicture(bytes, name).catch((error: unknown) => error);
      for (let length = 0; length < whole.length - 2; length += 7)
        expect(await read(whole.subarray(0, length))).toBeInstanceOf(InputError);
      for (let at = 0; at < 60; at++) {
        const found = await read(whole.with(at, whole[at]! ^ 0xff));
        if (found instanceof Error) expect(found).toBeInstanceOf(InputError);
      }
    }
  });

  test("what cannot be read is refused in one line: a telephone's HEIC, a text", async () => {
    await expect(readPicture(`${PICTURES}telephone.heic`)).rejects.toThrow(
      /telephone\.heic: HEIC, which cannot be read here: .*convert it to JPEG or PNG$/,
    );
    const error = await readPicture(`${PICTURES}make.py`).catch((reason: unknown) => reason as Error);
    expect((error as Error).message).toMatch(
      /^.*make\.py: not a picture that can be read \(JPEG, .*BMP.*are\): Input file contains unsupported image format$/,
    );
  });

  test('turns a picture upright, as its EXIF says', async () => {
    const raw = { width: 2, height: 1, channels: 3 } as const;
    const lying = await sharp(Buffer.from([255, 0, 0, 0, 0, 255]), { raw })
      .png()
      .withExif({})
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const { width, height } = await readPicture(lying);
    expect([width, height]).toEqual([1, 2]);
  });

  test('an address and a picture given as a path are refused with the reason, shortly', async () => {
    await expect(readPicture(resolve('https://example.org/a.png'))).rejects.toThrow(
      /is an address .*: pictures are not fetched from the web, .*; download them/,
    );
    const error = await readPicture(resolve(`data:image/png;base64,${'iVBORw0KGgo'.repeat(900)}`)).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message.length).toBeLessThan(200);
    await expect(readPicture(`${FOLDER}none.png`)).rejects.toThrow(/none\.png: does not exist$/);
  });

  test('something that is not a picture is an error that names it', async () => {
    await expect(readPicture(`${FOLDER}expected.json`)).rejects.toThrow(/expected\.json: not a picture/);
    await expect(readPicture(`${FOLDER}none.png`)).rejects.toThrow(InputError);
  });

  test('a truncated picture is an error', async () => {
    const bytes = await readFile(`${FOLDER}noise.png`);
    await expect(readPicture(bytes.subarray(0, 3000), 'half.png')).rejects.toThrow(/half\.png: not a picture/);
  });

  test('a picture 50,000 pixels wide is refused before it is decoded', async () => {
    const wide = await sharp({ create: { width: 50_000, height: 300, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    await expect(readPicture(wide, 'wide.png')).rejects.toThrow(/wide\.png: 50000 x 300 pixels; at most/);
  });
});
