/**
 * Serves content by its hash over HTTP, in ranges, to holders of a token: versions, model files, pictures. Over NATS
 * they would be 20 times slower. A blob is served as long as a caller holds it. The server takes only content that a
 * caller expects, and only of the expected size: the gradients of workers.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { InputError } from '../protocol/errors.ts';
import type { Blob } from './wire.ts';

/** Bytes of a blob: in a file, or made when they are asked for. */
export type Content = { readonly path: string } | { readonly read: () => Promise<Uint8Array> };

interface Held {
  readonly size: number;
  readonly content: Content;
  holds: number;
}

/** Content that has arrived whole. */
export interface Upload {
  readonly sha: string;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

interface Expected {
  readonly size: number;
  /** One request at a time writes. */
  isBusy: boolean;
  upload?: Upload;
}

const IDLE_MILLISECONDS = 30_000;
const MOST_CONNECTIONS = 1_024;
/** Of content in memory that is written at once. */
const CHUNK_BYTES = 2 ** 20;

export class Blobs implements AsyncDisposable {
  readonly token = randomBytes(32).toString('base64url');
  readonly #held = new Map<string, Held>();
  /** By name. */
  readonly #expected = new Map<string, Expected>();
  readonly #server: Server;
  #host = '';

  constructor() {
    this.#server = createServer({ maxHeaderSize: 8_192 }, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.timeout = IDLE_MILLISECONDS;
  }

  /** @throws InputError when it cannot listen there. */
  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(port, host, resolve);
    }).catch((error: Error) => {
      throw new InputError(
        `\`cluster.host\` ${host}, \`cluster.port\` ${port}: workers cannot be served there: ${error.message}`,
      );
    });
    this.#host = host;
  }

  get url(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${host}:${(this.#server.address() as AddressInfo).port}`;
  }

  get size(): number {
    return this.#held.size;
  }

  hold({ sha, size }: Blob, content: Content): void {
    const held = this.#held.get(sha) ?? { size, content, holds: 0 };
    held.holds += 1;
    this.#held.set(sha, held);
  }

  release({ sha }: Pick<Blob, 'sha'>): void {
    const held = this.#held.get(sha);
    if (held && (held.holds -= 1) === 0) this.#held.delete(sha);
  }

  /** Takes content of `size` bytes from now on, under a name that only its sender knows. */
  expect(name: string, size: number): void {
    this.#expected.set(name, { size, isBusy: false });
  }

  /** Ends `expect`. @returns what has arrived under the name. */
  taken(name: string): Upload | undefined {
    const upload = this.#expected.get(name)?.upload;
    this.#expected.delete(name);
    return upload;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number): void => void response.writeHead(status).end();
    if (!this.#mayRead(request.headers.authorization)) return refuse(401);
    if (request.method === 'PUT')
      return void response.writeHead(await this.#take(request), { connection: 'close' }).end();
    if (request.method !== 'GET') return refuse(405);
    const held = this.#held.get(request.url?.slice(1) ?? '');
    if (!held) return refuse(404);
    const from = startOf(request.headers.range);
    if (from === undefined || (from > 0 && from >= held.size)) return refuse(416);
    const source = await sourceOf(held, from).catch(() => undefined);
    if (!source) return refuse(404);
    response.writeHead(from === 0 ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'content-length': held.size - from,
      'accept-ranges': 'bytes',
      ...(from > 0 && { 'content-range': `bytes ${from}-${held.size - 1}/${held.size}` }),
    });
    await pipeline(source, response);
  }

  /** @returns the status of the answer. */
  async #take(request: IncomingMessage): Promise<number> {
    const expected = this.#expected.get(request.url?.slice(1) ?? '');
    if (!expected) return 404;
    if (expected.upload) return 200; // the answer to an earlier request was lost
    if (expected.isBusy) return 409;
    if (request.headers['content-length'] !== String(expected.size)) return 413;
    expected.isBusy = true;
    try {
      const bytes = new Uint8Array(new SharedArrayBuffer(expected.size));
      const hash = createHash('sha256');
      let at = 0;
      for await (const chunk of request as AsyncIterable<Uint8Array>) {
        bytes.set(chunk, at); // HTTP ends the body at its content-length
        hash.update(chunk);
        at += chunk.length;
      }
      if (at < expected.size) return 400;
      expected.upload = { bytes, sha: hash.digest('hex') };
      return 201;
    } finally {
      expected.isBusy = false;
    }
  }

  #mayRead(header: string | undefined): boolean {
    const [given, own] = [Buffer.from(header ?? ''), Buffer.from(`Bearer ${this.token}`)];
    return given.length === own.length && timingSafeEqual(given, own);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** @throws Error when the content is gone. */
async function sourceOf({ content, size }: Held, from: number): Promise<Readable> {
  if ('read' in content) return Readable.from(chunksOf((await content.read()).subarray(from)), { objectMode: false });
  return (await open(content.path)).createReadStream({ start: from, end: Math.max(0, size - 1) });
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** 0 without a range; undefined for a range that is not `bytes=N-`. */
function startOf(range: string | undefined): number | undefined {
  if (range === undefined) return 0;
  const found = /^bytes=(\d{1,15})-$/.exec(range);
  return found ? Number(found[1]) : undefined;
}
