/**
 * The bytes of a picture in a Parquet file, read again on demand: a data set keeps references, not pictures. Files with
 * a page index are read by the row; other files require the whole row group, so its pictures stay in a cache of bounded
 * size.
 */
import { serial } from '../lib/serial.ts';
import { InputError } from '../protocol/errors.ts';
import type { ParquetPictureRef } from '../protocol/messages.ts';
import { valueAt } from './columns.ts';
import { digestOf } from './digest.ts';
import { decoded } from './embedded.ts';
import {
  hasOffsetIndex,
  openParquetFile,
  readParquetRows,
  topLevel,
  type ParquetFile,
  type RowGroup,
} from './parquet-file.ts';
import { findPicture, pictureValues } from './picture-values.ts';

/** Encoded pictures that a thread keeps. */
const CACHE_BYTES = 64_000_000;
const OPEN_FILES = 64;

/** @throws InputError naming file, row and column when the picture is gone or has changed. */
export async function parquetPicture(ref: ParquetPictureRef): Promise<Uint8Array> {
  const bytes = cache.get(ref.digest) ?? (await inTurn(async () => cache.get(ref.digest) ?? (await readPictures(ref))));
  return bytes;
}

/** Reads are one at a time: two row groups at once would be twice the memory. */
const inTurn = serial();

async function readPictures(ref: ParquetPictureRef): Promise<Uint8Array> {
  const { path, column, row, index, digest } = ref;
  const file = await fileOf(path);
  const group = file.groups.find(({ start, rows }) => row >= start && row < start + rows);
  const where = `${path}: row ${row}: ${column}`;
  if (!group)
    throw new InputError(`${where}: the file has ${file.groups.reduce((sum, { rows }) => sum + rows, 0)} rows`);
  const top = topLevel(file, column);
  const range: RowGroup = hasOffsetIndex(file, top, row) ? { start: row, rows: 1 } : group;
  const cells = (await readParquetRows(file, [top], range)).map((cell) => valueAt(cell, column));
  // From the requested row onwards: a pass over the data set needs those next.
  const own = row - range.start;
  let ahead = 0;
  for (const cell of [...cells.slice(own + 1), ...cells.slice(0, own)]) {
    for (const bytes of picturesIn(cell)) ahead += bytes === undefined ? 0 : cache.set(bytes).length;
    if (ahead > CACHE_BYTES / 2) break;
  }
  const bytes = picturesIn(cells[own])[index];
  if (!bytes) throw new InputError(`${where}: has no picture ${index}`);
  if (digestOf(bytes) !== digest)
    throw new InputError(`${where}: picture ${index} is another one now; the file has changed since it was opened`);
  return cache.set(bytes);
}

/** The bytes of each picture in a cell; undefined for a picture in a file elsewhere. */
function picturesIn(cell: unknown): readonly (Uint8Array | undefined)[] {
  return pictureValues(cell).map((value) => {
    const found = findPicture(value);
    return 'path' in found ? undefined : decoded(found);
  });
}

const files = new Map<string, Promise<ParquetFile>>();

function fileOf(path: string): Promise<ParquetFile> {
  const file = files.get(path) ?? openParquetFile(path);
  files.delete(path);
  files.set(path, file);
  file.catch(() => files.delete(path));
  for (const oldest of files.keys()) {
    if (files.size <= OPEN_FILES) break;
    files.delete(oldest);
  }
  return file;
}

/** By digest, least recently used first out. */
class PictureCache {
  private readonly entries = new Map<string, Uint8Array>();
  private bytes = 0;

  get(digest: string): Uint8Array | undefined {
    const found = this.entries.get(digest);
    if (found) {
      this.entries.delete(digest);
      this.entries.set(digest, found);
    }
    return found;
  }

  /** Keeps a copy: the reader returns a view of a whole page. */
  set(bytes: Uint8Array): Uint8Array {
    const digest = digestOf(bytes);
    const known = this.get(digest);
    if (known) return known;
    const copy = bytes.slice();
    this.entries.set(digest, copy);
    this.bytes += copy.length;
    for (const [oldest, { length }] of this.entries) {
      if (this.bytes <= CACHE_BYTES || this.entries.size === 1) break;
      this.entries.delete(oldest);
      this.bytes -= length;
    }
    return copy;
  }
}

const cache = new PictureCache();
