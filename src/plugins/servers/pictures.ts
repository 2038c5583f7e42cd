import type { Picture } from 'quorum';

/** The picture as a BMP file in a data URL: a format without compression, which needs no library. */
export function dataUrl({ width, height, channels, data }: Picture): string {
  const stride = 4 * Math.ceil((3 * width) / 4);
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54 + stride * height, 2);
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(-height, 22); // rows from the top
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(24, 28);
  header.writeUInt32LE(stride * height, 34);
  const pixels = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        pixels[y * stride + 3 * x + 2 - c] = data[channels * (y * width + x) + (channels < 3 ? 0 : c)]!;
  return `data:image/bmp;base64,${Buffer.concat([header, pixels]).toString('base64')}`;
}
