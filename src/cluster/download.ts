/**
 * Fetches content by its hash from the daemon, resumes after a break, and checks the hash at the end. Sends the daemon
 * content that it expects.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkerError } from '../protocol/errors.ts';
import type { Blob, Orders } from './wire.ts';

export interface BlobSource extends Readonly<Orders['blobs']> {
  /** Gets the number of bytes of each piece that comes or goes. */
  readonly onBytes?: (count: number, way: 'received' | 'sent') => void;
}

/** Attempts in a row that bring no byte. */
const ATTEMPTS = 5;
const REST_MILLISECONDS = 200;
/** Of a connection on which nothing moves. */
const SILENT_MILLISECONDS = 30_000;

/** In memory. @throws RangeError when the daemon does not have it any more, WorkerError when it cannot be fetched. */
export async function fetchBytes(source: () => BlobSource, blob: Blob): Promise<Uint8Array> {
  const bytes = new Uint8Array(blob.size);
  const hash = createHash('sha256');
  let at = 0;
  await fetchFrom(
    source,
    blob,
    () => at,
    async (chunk) => {
      bytes.set(chunk, at);
      hash.update(chunk);
      at += chunk.length;
    },
  );
  checkHash(blob, hash.digest('hex'));
  return bytes;
}

/**
 * To `path`, which exists afterwards, whole; a file there of another content is replaced.
 * @param part file of what has arrived so far; a later call continues it
 */
export async function fetchFile(source: () => BlobSource, blob: Blob, path: string, part: string): Promise<void> {
  if (existsSync(path) && statSync(path).size === blob.size && (await hashOfFile(path)) === blob.sha) return;
  if (existsSync(part) && statSync(part).size > blob.size) rmSync(part);
  const file = await open(part, 'a');
  try {
    let at = (await file.stat()).size;
    await fetchFrom(
      source,
      blob,
      () => at,
      async (chunk) => {
        await file.writeFile(chunk);
        at += chunk.length;
      },
    );
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    checkHash(blob, await hashOfFile(part));
  } catch (error) {
    rmSync(part);
    throw error;
  }
  renameSync(part, path);
}

async function fetchFrom(
  source: () => BlobSource,
  blob: Blob,
  at: () => number,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  for (let fruitless = 0; at() < blob.size;) {
    const before = at();
    const failure = await fetchOnce(source(), blob, at, take).catch((error: unknown) => error as Error);
    if (failure instanceof RangeError) throw failure;
    fruitless = at() > before ? 0 : fruitless + 1;
    if (fruitless === ATTEMPTS)
      throw new WorkerError(
        `${blob.sha.slice(0, 12)} cannot be fetched from the daemon: ${failure?.message ?? 'it ends early'}`,
      );
    if (at() < blob.size) await sleep(REST_MILLISECONDS * fruitless);
  }
}

async function fetchOnce(
  { url, token, onBytes }: BlobSource,
  { sha, size }: Blob,
  at: () => number,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<undefined> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENT_MILLISECONDS);
  try {
    const headers = { authorization: `Bearer ${token}`, ...(at() > 0 && { range: `bytes=${at()}-` }) };
    const response = await fetch(`${url}/${sha}`, { headers, signal: silence.signal });
    if (response.status === 404) throw new RangeError(`the daemon does not have ${sha.slice(0, 12)} any more`);
    if (response.status !== (at() > 0 ? 206 : 200) || !response.body) throw new Error(`status ${response.status}`);
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENT_MILLISECONDS);
      if (at() + chunk.length > size) throw new Error('it is longer than the daemon said');
      onBytes?.(chunk.length, 'received');
      await take(chunk);
    }
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** A send may take this long for each megabyte. */
const MEGABYTE_MILLISECONDS = 1_000;

/**
 * Sends content that the daemon expects under this name, and starts again after a break.
 * @throws RangeError when the daemon no longer expects it, WorkerError when it cannot be sent.
 */
export async function sendBytes(source: () => BlobSource, name: string, bytes: Uint8Array): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const failure = await sendOnce(source(), name, bytes).catch((error: unknown) => error as Error);
    if (failure === undefined) return;
    if (failure instanceof RangeError) throw failure;
    if (attempt === ATTEMPTS) throw new WorkerError(`nothing can be sent to the daemon: ${failure.message}`);
    await sleep(REST_MILLISECONDS * attempt);
  }
}

async function sendOnce({ url, token, onBytes }: BlobSource, name: string, bytes: Uint8Array): Promise<undefined> {
  const { status } = await fetch(`${url}/${name}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
    body: bytes as Uint8Array<ArrayBuffer>,
    signal: AbortSignal.timeout(SILENT_MILLISECONDS + MEGABYTE_MILLISECONDS * Math.ceil(bytes.length / 1e6)),
  });
  onBytes?.(bytes.length, 'sent');
  if (status === 404) throw new RangeError('the daemon no longer expects this content');
  if (status !== 201 && status !== 200) throw new Error(`status ${status}`);
  return undefined;
}

function checkHash({ sha }: Blob, found: string): void {
  if (found !== sha)
    throw new WorkerError(`${sha.slice(0, 12)} came with another content: its hash is ${found.slice(0, 12)}`);
}

export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path);
  try {
    for await (const chunk of file.createReadStream()) hash.update(chunk as Uint8Array);
  } finally {
    await file.close().catch(() => {});
  }
  return hash.digest('hex');
}
