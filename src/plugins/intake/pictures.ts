/** Pictures of received questions: checked, and stored in the plug-in's folder by content. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { makeFolder, type Picture, type PictureRef } from 'quorum';
import { replaceFile } from '../shared/replace-file.ts';
import { Refusal } from './refusal.ts';

export interface PictureOptions {
  /** Where pictures are kept. */
  readonly folder: string;
  /** Pictures may be named in here; undefined: nowhere. */
  readonly pictureFolder: string | undefined;
  readonly maxPictureBytes: number;
  /** Of all that are kept; the oldest go. */
  readonly maxKeptBytes: number;
  readonly decode: (ref: PictureRef) => Promise<Picture>;
  /** Paths that wait to be asked about, which stay. */
  readonly waiting: () => ReadonlySet<string>;
}

/** Bytes at an offset of a file, as Latin-1 -> its extension. */
const KINDS: readonly (readonly [signature: string, offset: number, extension: string])[] = [
  ['\x89PNG\r\n\x1a\n', 0, 'png'],
  ['\xff\xd8\xff', 0, 'jpg'],
  ['WEBP', 8, 'webp'],
  ['GIF8', 0, 'gif'],
  ['BM', 0, 'bmp'],
  ['II*\0', 0, 'tif'],
  ['MM\0*', 0, 'tif'],
  ['ftypavif', 4, 'avif'],
];

export class Pictures {
  readonly #options: PictureOptions;
  #bytes: number;

  constructor(options: PictureOptions) {
    this.#options = options;
    makeFolder(options.folder);
    this.#bytes = this.#kept().reduce((sum, { size }) => sum + size, 0);
  }

  /** @param sent base64, or a data URI of it. @throws Refusal. */
  async keep(sent: string): Promise<PictureRef> {
    const data = sent.replace(/^data:[^,]{0,200};base64,/i, '');
    const { maxPictureBytes, folder } = this.#options;
    // Computed from the text's length, before decoding.
    if (Buffer.byteLength(data, 'base64') > maxPictureBytes)
      throw new Refusal(413, `a picture has more than ${maxPictureBytes} bytes`);
    const bytes = Buffer.from(data, 'base64');
    const start = bytes.toString('latin1', 0, 16);
    const extension = KINDS.find(([signature, offset]) => start.startsWith(signature, offset))?.[2];
    if (extension === undefined)
      throw new Refusal(400, 'a picture is not base64 of a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file');
    const path = join(folder, `${createHash('sha256').update(bytes).digest('hex')}.${extension}`);
    const ref = { type: 'file', path } as const;
    if (existsSync(path)) {
      utimesSync(path, new Date(), new Date());
      return ref;
    }
    replaceFile(path, bytes);
    this.#bytes += bytes.length;
    try {
      await this.#check(ref);
    } catch (error) {
      this.#remove({ path, size: bytes.length });
      throw error;
    }
    this.#makeRoom(path);
    return ref;
  }

  /** A picture that lies in the folder allowed, also when links are followed. @throws Refusal. */
  async find(path: string): Promise<PictureRef> {
    const { pictureFolder } = this.#options;
    if (pictureFolder === undefined)
      throw new Refusal(403, 'pictures by path are not allowed: set pictureFolder, or send their data');
    const allowed = await realpath(pictureFolder);
    const real = await realpath(resolve(allowed, path)).catch(() => undefined);
    // One reply for both, so that it does not reveal which files exist elsewhere.
    if (real === undefined || !real.startsWith(allowed + sep))
      throw new Refusal(403, `there is no picture ${path.slice(0, 200)} in pictureFolder`);
    const ref = { type: 'file', path: real } as const;
    await this.#check(ref);
    return ref;
  }

  async #check(ref: PictureRef & { readonly type: 'file' }): Promise<void> {
    try {
      await this.#options.decode(ref);
    } catch (error) {
      throw new Refusal(400, `a picture cannot be read: ${(error as Error).message.replace(ref.path, 'picture')}`);
    }
  }

  #makeRoom(newest: string): void {
    if (this.#bytes <= this.#options.maxKeptBytes) return;
    const waiting = this.#options.waiting();
    const oldestFirst = this.#kept().sort((a, b) => a.mtime - b.mtime);
    for (const file of oldestFirst) {
      if (this.#bytes <= this.#options.maxKeptBytes) return;
      if (file.path !== newest && !waiting.has(file.path)) this.#remove(file);
    }
  }

  #kept(): { path: string; size: number; mtime: number }[] {
    return readdirSync(this.#options.folder).map((name) => {
      const path = join(this.#options.folder, name);
      const { size, mtimeMs } = statSync(path);
      return { path, size, mtime: mtimeMs };
    });
  }

  #remove({ path, size }: { readonly path: string; readonly size: number }): void {
    rmSync(path, { force: true });
    this.#bytes -= size;
  }
}
