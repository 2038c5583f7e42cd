/**
 * Windows bitmaps -> pixels. The libvips that comes with sharp has no reader for them. Supports all header versions, 1
 * to 32 bits per pixel, palettes, bit masks and run lengths; refuses JPEG or PNG inside a BMP. Colours equal Pillow's.
 */
import type { Pixels } from './pixels.ts';

interface Header {
  readonly width: number;
  readonly height: number;
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Bytes of the headers before the pixels. */
  readonly offset: number;
  /** Red, green, blue and, if there is one, alpha: which bits of a pixel of 16 bits or more. */
  readonly masks: readonly number[];
  /** Place, entries and bytes of an entry. */
  readonly palette: readonly [start: number, entries: number, width: number];
}

const [CORE, INFO, V3] = [12, 40, 56];
const HEADERS = new Set([CORE, INFO, 52, V3, 64, 108, 124]);
const [RGB, RLE8, RLE4, BITFIELDS, ALPHABITFIELDS] = [0, 1, 2, 3, 6];
const MASKS_16 = [0x7c00, 0x3e0, 0x1f];
const MASKS_32 = [0xff0000, 0xff00, 0xff];
const FILE_HEADER = 14;
/** The headers of the file and of its picture, up to the masks. */
const HEADER_BYTES = 70;

/** @param head the first bytes of a file, 18 at least. */
export function isBitmap(head: Uint8Array): boolean {
  return (
    head.length >= 18 &&
    head[0] === 0x42 &&
    head[1] === 0x4d &&
    HEADERS.has(new DataView(head.buffer, head.byteOffset).getUint32(14, true))
  );
}

/** @param bytes of a file that `isBitmap`. @throws Error when the header makes no sense. */
export function readBitmapHeader(bytes: Uint8Array): Header {
  const padded = new Uint8Array(HEADER_BYTES);
  padded.set(bytes.subarray(0, HEADER_BYTES));
  const view = new DataView(padded.buffer);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const size = u32(FILE_HEADER);
  const core = size === CORE;
  const rows = core ? u16(20) : view.getInt32(22, true);
  const bits = core ? u16(24) : u16(28);
  const compression = core ? RGB : u32(30);
  const masked = compression === BITFIELDS || compression === ALPHABITFIELDS;
  const masks = masked
    ? [u32(54), u32(58), u32(62), ...(size >= V3 || compression === ALPHABITFIELDS ? [u32(66)] : [])]
    : [];
  const after = size === INFO && masked ? masks.length * 4 : 0;
  const entries = bits <= 8 ? (core ? 0 : u32(46)) || 2 ** bits : 0;
  const header: Header = {
    width: core ? u16(18) : view.getInt32(18, true),
    height: Math.abs(rows),
    topDown: rows < 0,
    bits,
    compression,
    offset: u32(10),
    masks: masked ? masks : bits === 16 ? MASKS_16 : MASKS_32,
    palette: [FILE_HEADER + size + after, Math.min(entries, 256), core ? 3 : 4],
  };
  check(header);
  return header;
}

function check({ width, height, bits, compression }: Header): void {
  const known: readonly (readonly [number, readonly number[]])[] = [
    [RGB, [1, 2, 4, 8, 16, 24, 32]],
    [RLE8, [8]],
    [RLE4, [4]],
    [BITFIELDS, [16, 32]],
    [ALPHABITFIELDS, [16, 32]],
  ];
  if (width <= 0 || height === 0) throw new Error(`a BMP of ${width} x ${height} pixels`);
  if (!known.some(([kind, depths]) => kind === compression && depths.includes(bits))) {
    throw new Error(
      `a BMP of ${bits} bits a pixel and compression ${compression}, which is not supported; save it without compression`,
    );
  }
}

/** @param bytes the whole file. @throws Error when it is damaged or cut short. */
export function decodeBitmap(bytes: Uint8Array): Pixels {
  const header = readBitmapHeader(bytes);
  return header.bits <= 8 ? decodeIndexed(bytes, header) : decodeDirect(bytes, header);
}

function decodeIndexed(bytes: Uint8Array, header: Header): Pixels {
  const { width, height, topDown, compression } = header;
  const indices = compression === RGB ? unpackIndices(bytes, header) : unpackRuns(bytes, header);
  const [start, entries, size] = header.palette;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    const line = (topDown ? y : height - 1 - y) * width;
    for (let x = 0; x < width; x++, at += 3) {
      const index = indices[line + x]!;
      if (index >= entries) throw new Error(`colour ${index} is not among the ${entries} of its palette`);
      for (let c = 0; c < 3; c++) data[at + c] = bytes[start + index * size + 2 - c]!;
    }
  }
  return { width, height, channels: 3, data };
}

/** Rows in the order of the file. */
function unpackIndices(bytes: Uint8Array, { width, height, bits, offset }: Header): Uint8Array {
  const stride = strideOf(width, bits);
  if (bytes.length < offset + stride * height) throw new Error('the file is cut short');
  const indices = new Uint8Array(width * height);
  const [perByte, mask] = [8 / bits, 2 ** bits - 1];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const byte = bytes[offset + y * stride + Math.floor(x / perByte)]!;
      indices[at++] = (byte >> (8 - bits * ((x % perByte) + 1))) & mask;
    }
  }
  return indices;
}

/**
 * Run lengths: `n` of a colour, or after a 0 the end of a row (0), of the picture (1), a step (2) or a number of single
 * pixels.
 */
function unpackRuns(bytes: Uint8Array, { width, height, bits, offset }: Header): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [at, x, y] = [offset, 0, 0];
  const put = (index: number): void => {
    if (x < width && y < height) indices[y * width + x] = index;
    x++;
  };
  const half = (byte: number, i: number): number => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    if (at + 2 > bytes.length) throw new Error('the file is cut short');
    const [count, value] = [bytes[at]!, bytes[at + 1]!];
    at += 2;
    if (count > 0) for (let i = 0; i < count; i++) put(half(value, i));
    else if (value === 0) [x, y] = [0, y + 1];
    else if (value === 1) break;
    else if (value === 2) [x, y, at] = [x + bytes[at]!, y + bytes[at + 1]!, at + 2];
    else {
      for (let i = 0; i < value; i++) put(half(bytes[at + Math.floor((i * bits) / 8)]!, i));
      at += 2 * Math.ceil((value * bits) / 16);
    }
  }
  return indices;
}

function decodeDirect(bytes: Uint8Array, { width, height, topDown, bits, offset, masks: found }: Header): Pixels {
  const stride = strideOf(width, bits);
  if (bytes.length < offset + stride * height) throw new Error('the file is cut short');
  const masks = found.filter((mask, i) => i < 3 || mask !== 0);
  const channels = masks.length as 3 | 4;
  const scales = masks.map((mask) => [mask, mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)] as const);
  const data = new Uint8Array(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    let from = offset + (topDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++, from += bits / 8) {
      let pixel = 0;
      for (let i = bits / 8 - 1; i >= 0; i--) pixel = (pixel << 8) | bytes[from + i]!;
      for (const [mask, shift] of scales)
        data[at++] = mask === 0 ? 0 : Math.floor((((pixel & mask) >>> shift) * 255) / (mask >>> shift));
    }
  }
  return { width, height, channels, data };
}

/** Bytes of a row: whole words of 32 bits. */
function strideOf(width: number, bits: number): number {
  return Math.ceil((width * bits) / 32) * 4;
}
