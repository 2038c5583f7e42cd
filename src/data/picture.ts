/** Pixels of a picture, wherever it is: a figure is drawn again from its key, a file is decoded. */
import sharp from 'sharp';
import { InputError } from '../protocol/errors.ts';
import type { Picture, PictureRef } from '../protocol/messages.ts';
import { drawFigure, parseKey } from './figures/figure.ts';

/** @throws InputError on a key that names no figure, or a file that is no picture. */
export async function loadPicture(ref: PictureRef): Promise<Picture> {
  if (ref.type === 'figure') return drawFigure(parseKey(ref.key));
  try {
    const { data, info } = await sharp(ref.path).removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels as 1 | 3, data: new Uint8Array(data) };
  } catch (error) {
    throw new InputError(`${ref.path}: not a picture (${(error as Error).message})`);
  }
}
