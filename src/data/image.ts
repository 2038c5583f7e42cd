/**
 * Picture files -> pixels, as transformers 5 sees them through Pillow: upright, white behind what is transparent, CMYK
 * as light, colour profile ignored.
 */
import { open, readFile, stat } from 'node:fs/promises';
import sharp from 'sharp';
import { InputError } from '../protocol/errors.ts';
import type { Picture } from '../protocol/messages.ts';
import { decodeBitmap, isBitmap, readBitmapHeader } from './bmp.ts';
import { addressFault, quotedName } from './quoted.ts';
import { fromInks, onWhite, type Pixels } from './pixels.ts';

/** Larger pictures are refused before they are decoded: they would not fit a prompt anyhow. */
const MAX_SIDE = 16_384;
const MAX_PIXELS = 64_000_000;
/** Decoding a picture within these bounds takes a second or two at most. */
const MAX_SECONDS = 30;
/** Bytes that suffice to detect the format. */
const HEAD_BYTES = 128;
/** Maximum of characters of a decoder's message. */
const MAX_REASON = 200;

// Only formats that hold pixels: an SVG is a program that draws, may name other files, and brings an XML reader along.
sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((format) => `VipsForeignLoad${format}`),
});
const FORMATS = 'JPEG, PNG, WebP, GIF, TIFF, BMP and AVIF';

/**
 * Decodes a picture; of an animation, its first frame. @param source a path, or the file's bytes. @param name names the
 * picture in errors.
 * @throws InputError when it is not a picture, damaged, or too large.
 */
export async function readPicture(
  source: string | Uint8Array,
  name: string = typeof source === 'string' ? quotedName(source) : 'picture',
): Promise<Picture> {
  try {
    const head = typeof source === 'string' ? await readHead(source, name) : source.subarray(0, HEAD_BYTES);
    if (isHeic(head))
      throw new InputError(
        `${name}: HEIC, which cannot be read here: its codec (HEVC) is not free; convert it to JPEG or PNG`,
      );
    const pixels = isBitmap(head) ? await readBitmap(source, head, name) : await decode(source, name);
    const { width, height, channels, data } = onWhite(pixels);
    return { width, height, channels: channels === 1 ? 1 : 3, data };
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw notRead(name, error as Error, source);
  }
}

/** The bytes of a picture's file. @throws InputError when there is no such file, or it is a pipe or a device. */
export async function readPictureFile(path: string): Promise<Uint8Array> {
  await readHead(path, quotedName(path));
  return readFile(path);
}

/**
 * The file ending for these bytes: `png`, `bmp`. @param name names the picture in errors. @throws InputError when it is
 * not a picture.
 */
export async function pictureFormat(bytes: Uint8Array, name: string): Promise<string> {
  if (isBitmap(bytes)) return 'bmp';
  const found = await sharp(bytes)
    .metadata()
    .catch((error: Error) => {
      throw notRead(name, error, bytes);
    });
  return found.format;
}

function notRead(name: string, error: Error, source: string | Uint8Array): InputError {
  return new InputError(`${name}: not a picture that can be read (${FORMATS} are): ${reasonOf(error, source)}`);
}

async function readHead(path: string, name: string): Promise<Uint8Array> {
  // Reading a pipe or a device would never end.
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENAMETOOLONG') throw error;
      throw new InputError(`${name}: ${addressFault(path) ?? 'does not exist'}`);
    },
  );
  if (!isFile) throw new InputError(`${name}: not a file`);
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

/** The container of AVIF with another codec inside, as telephones write it. */
function isHeic(head: Uint8Array): boolean {
  const text = Buffer.from(head).toString('latin1');
  const brands = text.slice(4, 8) === 'ftyp' ? text.slice(8, head[3]) : '';
  return /hei[cxms]|hev[cxms]|mif1|msf1/.test(brands) && !/avi[fs]/.test(brands);
}

async function readBitmap(source: string | Uint8Array, head: Uint8Array, name: string): Promise<Pixels> {
  const { width, height } = readBitmapHeader(head);
  checkSize(width, height, name);
  return decodeBitmap(typeof source === 'string' ? await readFile(source) : source);
}

async function decode(source: string | Uint8Array, name: string): Promise<Pixels> {
  const image = sharp(source, { failOn: 'error', ignoreIcc: true, limitInputPixels: false });
  const { width, height, channels, space } = await image.metadata();
  checkSize(width, height, name);
  // sharp would drop the alpha of a grey picture; libvips would convert CMYK with its own profile.
  const colours = space === 'cmyk' ? 'cmyk' : channels === 1 ? 'b-w' : 'srgb';
  if (colours === 'cmyk') image.pipelineColourspace('cmyk');
  const upright = image.timeout({ seconds: MAX_SECONDS }).autoOrient().toColourspace(colours);
  const { data, info } = await upright.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const pixels = {
    width: info.width,
    height: info.height,
    channels: info.channels as 1 | 3 | 4,
    data: new Uint8Array(data),
  };
  return colours === 'cmyk' ? fromInks(pixels) : pixels;
}

function checkSize(width: number, height: number, name: string): void {
  if (Math.max(width, height) <= MAX_SIDE && width * height <= MAX_PIXELS) return;
  throw new InputError(
    `${name}: ${width} x ${height} pixels; at most ${MAX_SIDE} a side and ${MAX_PIXELS / 1e6} million in all are accepted, scale it down`,
  );
}

/** One line of the decoder's message; libvips collects a message for every byte that it tried, each after the path. */
function reasonOf({ message }: Error, source: string | Uint8Array): string {
  const lines = message
    .split('\n')
    .map((line) => (typeof source === 'string' ? line.replaceAll(`${source}: `, '') : line).trim());
  return [...new Set(lines)]
    .filter((line) => line !== '' && !line.includes('bad seek'))
    .join('; ')
    .slice(0, MAX_REASON);
}

/** The picture as a PNG file. */
export async function encodePng({ data, width, height, channels }: Picture): Promise<Buffer> {
  const image = sharp(data, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  return image.png().toBuffer();
}
