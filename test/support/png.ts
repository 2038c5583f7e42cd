import sharp from 'sharp';

/** A picture file of one colour. */
export function png(width = 8, height = 8, colour = '#336699'): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: colour } })
    .png()
    .toBuffer();
}
