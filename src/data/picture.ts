/** Loads the pixels of any picture: draws a figure from its key, decodes a file, reads a row of a Parquet file. */
import type { Picture, PictureRef } from '../protocol/messages.ts';
import { coarsened } from './coarse.ts';
import { disturbed } from './disturbed.ts';
import { base64Picture } from './embedded.ts';
import { drawFigure, parseKey } from './figures/figure.ts';
import { pictureFormat, readPicture, readPictureFile } from './image.ts';
import { parquetPicture } from './parquet-picture.ts';
import { rearranged } from './rearranged.ts';

/** @throws InputError for a key without a figure, or a file that is not a picture. */
export async function loadPicture(ref: PictureRef): Promise<Picture> {
  switch (ref.type) {
    case 'figure':
      return drawFigure(parseKey(ref.key));
    case 'file':
      return readPicture(ref.path);
    case 'parquet':
      return readPicture(await parquetPicture(ref), pictureName(ref));
    case 'base64':
      return readPicture(await base64Picture(ref), pictureName(ref));
    case 'coarse':
      return coarsened(await loadPicture(ref.of));
    case 'disturbed':
      return disturbed(await loadPicture(ref.of), ref.seed);
    case 'rearranged':
      return rearranged(await loadPicture(ref.of), ref);
  }
}

/**
 * The encoded bytes of a picture in a file or a data file, for a reader on another machine. @throws InputError when it
 * is not a picture.
 */
export async function encodedPicture(
  ref: PictureRef & { readonly type: 'file' | 'parquet' | 'base64' },
): Promise<Uint8Array> {
  const bytes =
    ref.type === 'file'
      ? await readPictureFile(ref.path)
      : await (ref.type === 'parquet' ? parquetPicture(ref) : base64Picture(ref));
  await pictureFormat(bytes, pictureName(ref));
  return bytes;
}

/**
 * Equal for two references only if they are the same picture; a picture within a data file is identified by its
 * content.
 */
export function pictureKey(ref: PictureRef): string {
  if (ref.type === 'figure') return `figure:${ref.key}`;
  if (ref.type === 'coarse') return `coarse:${pictureKey(ref.of)}`;
  if (ref.type === 'disturbed') return `disturbed:${ref.seed}:${pictureKey(ref.of)}`;
  if (ref.type === 'rearranged')
    return `rearranged:${ref.rows}x${ref.columns}:${ref.order.join(',')}:${pictureKey(ref.of)}`;
  return ref.type === 'file' ? `file:${ref.path}` : `bytes:${ref.digest}`;
}

/** For errors and reports. */
export function pictureName(ref: PictureRef): string {
  if (ref.type === 'figure') return ref.key;
  if (ref.type === 'coarse') return `${pictureName(ref.of)}, coarse`;
  if (ref.type === 'disturbed') return `${pictureName(ref.of)}, disturbed`;
  if (ref.type === 'rearranged') return `${pictureName(ref.of)}, ${ref.rows} x ${ref.columns} pieces rearranged`;
  if (ref.type === 'base64') return `${ref.path}: base64 at byte ${ref.offset}`;
  return ref.type === 'file' ? ref.path : `${ref.path}: row ${ref.row}: ${ref.column}[${ref.index}]`;
}
