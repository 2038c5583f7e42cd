/** Pixels of a picture, wherever it is: a figure is drawn again from its key, a file is decoded. */
import type { Picture, PictureRef } from '../protocol/messages.ts';
import { drawFigure, parseKey } from './figures/figure.ts';
import { readPicture } from './image.ts';

/** @throws InputError on a key that names no figure, or a file that is no picture. */
export async function loadPicture(ref: PictureRef): Promise<Picture> {
  return ref.type === 'figure' ? drawFigure(parseKey(ref.key)) : readPicture(ref.path);
}
