/** Pictures in the data itself: bytes, base64, or a data URI. */
import { InputError } from '../protocol/errors.ts';
import type { Base64PictureRef } from '../protocol/messages.ts';
import { readRange } from './formats/text.ts';
import { digestOf } from './digest.ts';

export interface EmbeddedPicture {
  readonly bytes?: Uint8Array;
  /** Without the head of a data URI. */
  readonly base64?: string;
}

export function decoded({ bytes, base64 }: EmbeddedPicture): Uint8Array {
  return bytes ?? Buffer.from(base64 ?? '', 'base64');
}

/** @throws InputError when the file has changed since it was opened. */
export async function base64Picture({ path, offset, length, digest }: Base64PictureRef): Promise<Uint8Array> {
  const text = (await readRange(path, offset, length)).toString('latin1');
  const bytes = decoded({ base64: text.includes('\\') ? String(JSON.parse(`"${text}"`)) : text });
  if (digestOf(bytes) !== digest)
    throw new InputError(
      `${path}: byte ${offset}: not the picture that it was; the file has changed since it was opened`,
    );
  return bytes;
}

/**
 * Forms of base64 in a file: plain (CSV), with the line breaks of MIME as JSON writes them, with slashes escaped (PHP)
 * or pluses (.NET).
 */
export function writtenForms(base64: string): readonly string[] {
  const json = JSON.stringify(base64).slice(1, -1);
  return [base64, json, json.replaceAll('/', String.raw`\/`), json.replaceAll('+', String.raw`\u002B`)];
}

/** Prefixes of base64 of a JPEG, PNG, GIF, WebP, TIFF, AVIF or BMP. */
const MAGIC = /^\s*(?:\/9j\/|iVBORw0KGgo|R0lGOD|UklGR|SUkqA|TU0AK|AAAA[A-Za-z0-9+/]{3}mdHlw|Qk[0-9A-Za-z+/]{60})/;
/** A file name is shorter, or has a dot or another character outside base64 and its URL-safe form. */
const LONG = 256;
const BASE64 = /^[\w+/\s-]+={0,2}\s*$/;

export function isBase64(text: string): boolean {
  return (MAGIC.test(text) || text.length >= LONG) && BASE64.test(text);
}
