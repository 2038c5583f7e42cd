/**
 * Identifies a question independent of its id and file paths: by its text, with the choices, and the content of its
 * pictures.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { PictureRef, Question } from '../protocol/messages.ts';
import { pictureKey } from './picture.ts';

/** Each opening of a file makes new references, so a cached digest never outlives the content. */
const digests = new WeakMap<PictureRef, Promise<string>>();

/** For a picture in a file, the digest of its bytes; for any other, of its reference. */
export function pictureDigest(ref: PictureRef): Promise<string> {
  const known = digests.get(ref);
  if (known !== undefined) return known;
  const digest = ref.type === 'file' ? fileDigest(ref.path) : Promise.resolve(sha256(pictureKey(ref)));
  digests.set(ref, digest);
  return digest;
}

/** 32 hex digits. */
export async function contentDigest(text: string | undefined, pictures: readonly PictureRef[]): Promise<string> {
  return sha256(JSON.stringify([text ?? null, ...(await Promise.all(pictures.map(pictureDigest)))])).slice(0, 32);
}

/** Equal for equal questions without reading pictures: a picture in a file counts by its path. */
export function lookOf({ text, pictures }: Pick<Question, 'text' | 'pictures'>): string {
  return JSON.stringify([text, ...pictures.map(pictureKey)]);
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
