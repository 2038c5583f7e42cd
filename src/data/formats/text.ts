/** Text files of data: the start of their text, their encoding, and their bytes in order. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { InputError } from '../../protocol/errors.ts';

/** Longest row accepted, in bytes: a row is held in memory whole. */
export const MAX_ROW = 32_000_000;
const HEAD_BYTES = 65_536;

export interface TextFile {
  readonly path: string;
  /** Offset of the text, after a byte-order mark. */
  readonly start: number;
  /** The first bytes of the text. */
  readonly head: string;
}

/** @throws InputError when it is not a file, or not UTF-8. */
export async function openText(path: string): Promise<TextFile> {
  const head = await readHead(path);
  const mark = head.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff' || head.subarray(0, 4).includes(0)) {
    throw new InputError(
      `${path}: is text in UTF-16, or no text; data is read as UTF-8: convert it, for example with \`iconv -f UTF-16 -t UTF-8\``,
    );
  }
  if (mark === '1f8b') throw new InputError(`${path}: is compressed: unpack it with \`gunzip\``);
  const start = head.subarray(0, 3).toString('hex') === 'efbbbf' ? 3 : 0;
  return { path, start, head: head.subarray(start).toString('utf8') };
}

async function readHead(path: string): Promise<Buffer> {
  try {
    if (!(await stat(path)).isFile()) throw new InputError(`${path}: not a file`);
    return await readRange(path, 0, HEAD_BYTES);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Fewer bytes at the end of the file. */
export async function readRange(path: string, offset: number, length: number): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** The bytes of the text, in pieces. @throws InputError when it cannot be read to its end. */
export async function* bytesOf({ path, start }: TextFile): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(path, { start })) yield chunk as Buffer;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): InputError {
  return error instanceof InputError ? error : new InputError(`${path}: cannot be read (${(error as Error).message})`);
}

/** @throws InputError that begins with `where`, for text in another encoding. */
export function checkUtf8(bytes: Uint8Array, where: string): void {
  if (!isUtf8(bytes))
    throw new InputError(
      `${where}: is not UTF-8 text: convert the file, for example with \`iconv -f WINDOWS-1252 -t UTF-8\``,
    );
}

export function tooLong(where: string): InputError {
  return new InputError(
    `${where}: line is longer than ${MAX_ROW / 1e6} MB; put pictures in files and name them in "images"`,
  );
}

/** @param expected what the text must be. @throws InputError that begins with `where`. */
export function parseJson(text: string, where: string, expected: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: not JSON (${(error as Error).message}); ${expected}`);
  }
}
