/**
 * Caches the vision tower's rows of pictures by key: the newest in memory and, if a folder is given, all in files that
 * threads and later processes share. Both are bounded in bytes. A file holds its numbers and their digest; a file that
 * does not match its digest is removed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';

export interface RowCacheOptions {
  /** When absent, the cache is in memory only. */
  readonly folder?: string | undefined;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

const SUFFIX = '.rows';
const DIGEST_BYTES = 32;
/** The share of `diskBytes` that a thread writes between two sweeps of the folder. */
const SWEEP_SHARE = 1 / 16;

export class RowCache {
  readonly #options: RowCacheOptions;
  readonly #memory = new Map<string, Float32Array>();
  #memoryBytes = 0;
  /** Bytes written since the last sweep; infinite at first, so that the first write sweeps. */
  #written = Infinity;

  constructor(options: RowCacheOptions) {
    this.#options = options;
  }

  /** The array belongs to the cache: copy before writing. */
  async get(key: string): Promise<Float32Array | undefined> {
    const rows = this.#memory.get(key) ?? (await this.#read(key));
    if (rows) this.#remember(key, rows);
    return rows;
  }

  /** Ignores a full or unwritable disk: the rows are recomputed when they are needed again. */
  async set(key: string, rows: Float32Array): Promise<void> {
    this.#remember(key, rows);
    const { folder, diskBytes } = this.#options;
    if (folder === undefined || bytesOf(rows) > diskBytes * SWEEP_SHARE) return;
    try {
      makeFolder(folder);
      this.#written += bytesOf(rows);
      if (this.#written > diskBytes * SWEEP_SHARE) await this.#sweep(folder);
      await write(join(folder, key + SUFFIX), rows);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }

  #remember(key: string, rows: Float32Array): void {
    const { memoryBytes } = this.#options;
    if (!this.#memory.delete(key)) this.#memoryBytes += rows.byteLength;
    this.#memory.set(key, rows);
    for (const [oldest, { byteLength }] of this.#memory) {
      if (this.#memoryBytes <= memoryBytes) break;
      this.#memory.delete(oldest);
      this.#memoryBytes -= byteLength;
    }
  }

  async #read(key: string): Promise<Float32Array | undefined> {
    const { folder } = this.#options;
    if (folder === undefined) return undefined;
    const path = join(folder, key + SUFFIX);
    const bytes = await readFile(path).catch(() => undefined);
    if (!bytes) return undefined;
    const [digest, data] = [bytes.subarray(0, DIGEST_BYTES), bytes.subarray(DIGEST_BYTES)];
    if (data.length === 0 || data.length % 4 !== 0 || !digestOf(data).equals(digest)) {
      await rm(path, { force: true });
      return undefined;
    }
    const now = new Date();
    await utimes(path, now, now).catch(() => undefined);
    return new Float32Array(new Uint8Array(data).buffer);
  }

  /** Removes the least recently used files. */
  async #sweep(folder: string): Promise<void> {
    const files = await Promise.all((await readdir(folder)).map((name) => entryOf(join(folder, name))));
    const found = files.filter((file) => file !== undefined).toSorted((a, b) => b.used - a.used);
    let bytes = 0;
    for (const { path, size } of found) {
      bytes += size;
      if (bytes > this.#options.diskBytes * (1 - SWEEP_SHARE)) await rm(path, { force: true });
    }
    this.#written = 0;
  }
}

const bytesOf = (rows: Float32Array): number => DIGEST_BYTES + rows.byteLength;

async function entryOf(path: string): Promise<{ path: string; size: number; used: number } | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && { path, size: found.size, used: found.mtimeMs };
}

async function write(path: string, rows: Float32Array): Promise<void> {
  const data = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, Buffer.concat([digestOf(data), data]));
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}

function digestOf(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
