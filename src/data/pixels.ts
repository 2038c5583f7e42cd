/** Converts colours to RGB like Pillow and fills transparency with white like transformers 5, byte for byte. */

/** Grey (1), red, green and blue (3), the same and alpha (4). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** [height, width, channels] */
  readonly data: Uint8Array;
}

/** @param channels 4, of cyan, magenta, yellow and black; with an alpha 5. */
export function fromInks({
  width,
  height,
  channels,
  data,
}: Omit<Pixels, 'channels'> & { readonly channels: number }): Pixels {
  const lights = new Uint8Array(width * height * (channels - 1));
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const white = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) lights[to++] = white - over255(data[from + c]! * white);
    if (channels > 4) lights[to++] = data[from + 4]!;
  }
  return { width, height, channels: channels > 4 ? 4 : 3, data: lights };
}

/** Fills transparent parts of the picture with white. */
export function onWhite({ width, height, channels, data }: Pixels): Pixels {
  if (channels !== 4) return { width, height, channels, data };
  const opaque = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const alpha = data[from + 3]!;
    for (let c = 0; c < 3; c++) opaque[to++] = over255(data[from + c]! * alpha + 255 * (255 - alpha));
  }
  return { width, height, channels: 3, data: opaque };
}

/** x / 255, rounded, for products of two bytes. */
function over255(x: number): number {
  return (x + 128 + ((x + 128) >> 8)) >> 8;
}
