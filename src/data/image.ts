/** Picture files -> pixels, as `PIL.Image.open(..).convert('RGB')` sees them: upright, alpha dropped, colour profile ignored. */
import { stat } from 'node:fs/promises';
import sharp from 'sharp';
import { InputError } from '../protocol/errors.ts';
import type { Picture } from '../protocol/messages.ts';

/** Larger pictures are refused before they are decoded: they would not fit a prompt anyhow. */
const MAX_SIDE = 16_384;
const MAX_PIXELS = 64_000_000;
/** Decoding a picture within these bounds takes a second or two at most. */
const MAX_SECONDS = 30;

// Only formats that hold pixels: an SVG is a program that draws, may name other files, and brings an XML reader along.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((format) => `VipsForeignLoad${format}`) });
const FORMATS = 'JPEG, PNG, WebP, GIF, TIFF and AVIF';

/** Of an animation its first frame. @param source a path, or the file's bytes. @param name names the picture in errors. @throws InputError when it is not a picture, damaged, or too large. */
export async function readPicture(source: string | Uint8Array, name: string = typeof source === 'string' ? source : 'picture'): Promise<Picture> {
  try {
    // A pipe or a device would be read for ever.
    if (typeof source === 'string' && !(await stat(source)).isFile()) throw new InputError(`${name}: not a file`);
    const image = sharp(source, { failOn: 'error', ignoreIcc: true, limitInputPixels: false });
    const { width, height, channels } = await image.metadata();
    if (Math.max(width, height) > MAX_SIDE || width * height > MAX_PIXELS) {
      throw new InputError(
        `${name}: ${width} x ${height} pixels; at most ${MAX_SIDE} a side and ${MAX_PIXELS / 1e6} million in all are accepted, scale it down`,
      );
    }
    const grey = channels <= 2;
    const upright = image
      .timeout({ seconds: MAX_SECONDS })
      .autoOrient()
      .removeAlpha()
      .toColourspace(grey ? 'b-w' : 'srgb');
    const { data, info } = await upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels === 1 ? 1 : 3, data: new Uint8Array(data) };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${name}: not a picture that can be read (${FORMATS} are): ${(error as Error).message}`);
  }
}
