/**
 * The values in a cell of pictures, in any format: paths, bytes, base64, data URIs, one or a list, or messages with
 * pictures in them.
 */
import { InputError } from '../protocol/errors.ts';
import { storableText } from '../protocol/storable.ts';
import { isRecord } from './columns.ts';
import { isBase64, type EmbeddedPicture } from './embedded.ts';
import { isMessages, picturesOfMessages } from './layouts/messages.ts';
import { parseList } from './list-text.ts';
import { addressFault, quoted } from './quoted.ts';

/** The picture values of a cell, unparsed; an empty list for an empty cell. */
export function pictureValues(cell: unknown): readonly unknown[] {
  if (cell === null || cell === undefined || cell === '') return [];
  if (isMessages(cell)) return picturesOfMessages(cell);
  if (Array.isArray(cell)) return cell.filter((item) => item !== null);
  return (typeof cell === 'string' ? parseList(cell) : undefined) ?? [cell];
}

const LONGEST_PATH = 4096;

/** Fields of a struct, in order of preference. */
const PICTURE_FIELDS = ['bytes', 'path', 'url', 'src', 'file_name', 'image', 'image_url'];

/** A path as written, or the picture itself. */
export type FoundPicture = { readonly path: string } | EmbeddedPicture;

/** @throws InputError, without the place, for a web address and for a value that is not a picture. */
export function findPicture(value: unknown): FoundPicture {
  if (value instanceof Uint8Array && value.length > 0) return { bytes: value };
  if (typeof value === 'string' && value !== '') return fromText(value);
  if (isRecord(value)) {
    const inner = PICTURE_FIELDS.map((field) => value[field]).find(isGiven);
    if (inner !== undefined) return findPicture(inner);
    if ('bytes' in value) throw new InputError('holds neither bytes nor the path of a picture');
  }
  throw new InputError(
    `expected the path of a picture, or a picture as bytes, base64 or a data URI, found ${quoted(value)}`,
  );
}

function isGiven(value: unknown): boolean {
  return (
    (typeof value === 'string' && value !== '') || (value instanceof Uint8Array && value.length > 0) || isRecord(value)
  );
}

function fromText(text: string): FoundPicture {
  const uri = /^data:([^,]{0,200}),/i.exec(text);
  if (uri) {
    if (!/;base64$/i.test(uri[1]!)) throw new InputError(`holds a data URI that is not base64 (${quoted(uri[0])})`);
    return { base64: text.slice(uri[0].length) };
  }
  const address = addressFault(text);
  if (address !== undefined) throw new InputError(address);
  if (isBase64(text)) return { base64: text };
  if (text.length > LONGEST_PATH)
    throw new InputError(`expected the path of a picture, or one as base64, found ${quoted(text)}`);
  return { path: storableText(text.replace(/^file:\/\//, '')) };
}
