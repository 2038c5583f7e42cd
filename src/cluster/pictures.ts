/**
 * Pictures of questions on their way to a worker. Built-in figures are drawn from their keys on any machine; every other
 * picture travels as its file, and its path is the file's hash.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { encodedPicture } from '../data/picture.ts';
import { makeFolder } from '../lib/make-folder.ts';
import type { PictureRef } from '../protocol/messages.ts';
import type { Content } from './blobs.ts';
import { fetchFile, type BlobSource } from './download.ts';
import { hashOf, type Blob } from './wire.ts';

/** The same reference for a reader elsewhere; `need` gets each blob that the reader needs. @throws InputError */
export async function wirePicture(ref: PictureRef, need: (blob: Blob, content: Content) => void): Promise<PictureRef> {
  if (ref.type === 'figure') return ref;
  if ('of' in ref) return { ...ref, of: await wirePicture(ref.of, need) };
  const bytes = await encodedPicture(ref);
  const blob = { sha: hashOf(bytes), size: bytes.length };
  need(blob, { read: () => encodedPicture(ref) });
  return { type: 'file', path: blob.sha };
}

/** Pictures on a worker's disk, of bounded size: those used last. */
export class PictureCache {
  readonly #folder: string;
  readonly #most: number;
  /** Size by hash, the one used last at the end. */
  readonly #sizes = new Map<string, number>();
  /** Calls in hand that need a picture. */
  readonly #users = new Map<string, number>();
  readonly #fetching = new Map<string, Promise<void>>();

  constructor(folder: string, mostBytes: number) {
    this.#folder = folder;
    this.#most = mostBytes;
    rmSync(folder, { recursive: true, force: true });
    makeFolder(folder, 0o700);
  }

  /** Fetches what is missing. Each call needs a later `release`. */
  async hold(source: () => BlobSource, blobs: readonly Blob[]): Promise<void> {
    for (const { sha } of blobs) this.#users.set(sha, (this.#users.get(sha) ?? 0) + 1);
    for (const blob of blobs) {
      const fetching =
        this.#fetching.get(blob.sha) ?? fetchFile(source, blob, this.path(blob.sha), `${this.path(blob.sha)}.part`);
      this.#fetching.set(blob.sha, fetching);
      await fetching.finally(() => this.#fetching.delete(blob.sha));
      this.#sizes.delete(blob.sha);
      this.#sizes.set(blob.sha, blob.size);
    }
  }

  release(blobs: readonly Blob[]): void {
    for (const { sha } of blobs) {
      const users = this.#users.get(sha)! - 1;
      if (users > 0) this.#users.set(sha, users);
      else this.#users.delete(sha);
    }
    let total = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const [sha, size] of this.#sizes) {
      if (total <= this.#most) return;
      if (this.#users.has(sha)) continue;
      rmSync(this.path(sha), { force: true });
      this.#sizes.delete(sha);
      total -= size;
    }
  }

  path(sha: string): string {
    return join(this.#folder, sha);
  }

  /** The reference as this machine reads it. */
  local(ref: PictureRef): PictureRef {
    if ('of' in ref) return { ...ref, of: this.local(ref.of) };
    return ref.type === 'file' ? { type: 'file', path: this.path(ref.path) } : ref;
  }
}
