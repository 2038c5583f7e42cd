/**
 * Serves content by its hash over HTTP, in ranges, to holders of a token: versions, model files, pictures. Over NATS
 * they would be 20 times slower. A blob is served as long as a caller holds it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
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

const IDLE_MILLISECONDS = 30_000;
const MOST_CONNECTIONS = 1_024;

export class Blobs implements AsyncDisposable {
  readonly token = randomBytes(32).toString('base64url');
  readonly #held = new Map<string, Held>();
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refuse = (status: number): void => void response.writeHead(status).end();
    if (!this.#mayRead(request.headers.authorization)) return refuse(401);
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
  if ('read' in content) return Readable.from([(await content.read()).subarray(from)], { objectMode: false });
  return (await open(content.path)).createReadStream({ start: from, end: Math.max(0, size - 1) });
}

/** 0 without a range; undefined for a range that is not `bytes=N-`. */
function startOf(range: string | undefined): number | undefined {
  if (range === undefined) return 0;
  const found = /^bytes=(\d{1,15})-$/.exec(range);
  return found ? Number(found[1]) : undefined;
}
