/** `POST /questions` and a WebSocket at `/questions`: access, limits and answers. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { isLoopback, listen, type ListenOptions } from '../shared/listen.ts';
import { Refusal } from './refusal.ts';

const PATH = '/questions';
const MOST_CONNECTIONS = 64;
const REQUEST_MILLISECONDS = 30_000;
const LONGEST_REASON = 500;

export interface DoorOptions extends ListenOptions {
  readonly token: string | undefined;
  /** Of one question, as it is sent. */
  readonly maxBytes: number;
  readonly isFull: () => boolean;
  /** Resolves when there is room for another question. */
  readonly room: () => Promise<void>;
  /** Checks and takes one question. @throws Refusal. */
  readonly accept: (body: unknown) => Promise<{ readonly id: string; readonly waiting: number }>;
  readonly onError: (error: unknown) => void;
}

/** Open until `signal` aborts. @returns the address for questions. @throws InputError when it cannot listen there. */
export async function openDoors(options: DoorOptions): Promise<string> {
  const server = createServer({ headersTimeout: REQUEST_MILLISECONDS, requestTimeout: REQUEST_MILLISECONDS });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('request', (request, response) => void answerPost(request, response, options));
  const sockets = new WebSocketServer({ noServer: true, maxPayload: options.maxBytes, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const refusal = refusalOf(() => check(request, options));
    if (refusal) return turnAway(socket, refusal);
    sockets.handleUpgrade(request, socket, head, (webSocket) => serveSocket(webSocket, options));
  });
  options.signal.addEventListener('abort', () => sockets.clients.forEach((socket) => socket.terminate()), {
    once: true,
  });
  return `${await listen(server, options)}${PATH}`;
}

async function answerPost(request: IncomingMessage, response: ServerResponse, options: DoorOptions): Promise<void> {
  try {
    check(request, options);
    if (request.method !== 'POST') throw new Refusal(405, 'POST a question');
    // A page of another site may send this type only after a preflight request, which has no answer here.
    if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
      throw new Refusal(415, 'send application/json');
    if (options.isFull()) throw new Refusal(429, 'too many questions wait already: try again later');
    send(response, 202, await options.accept(jsonOf(await bodyOf(request, options.maxBytes))));
  } catch (error) {
    // A client that left before the end gets no answer.
    if (response.destroyed) return;
    if (!(error instanceof Refusal)) options.onError(error);
    const { status, message } =
      error instanceof Refusal ? error : { status: 500, message: 'this failed inside the plug-in' };
    if (status === 429) response.setHeader('Retry-After', '1');
    if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer');
    // What was not read is not waited for.
    if (!request.complete) response.setHeader('Connection', 'close').once('finish', () => request.destroy());
    send(response, status, { error: message.slice(0, LONGEST_REASON) });
  }
}

/** Handles one message at a time; while it waits for room the socket is not read, so the sender's writes back up. */
function serveSocket(socket: WebSocket, options: DoorOptions): void {
  let pending = 0;
  let last: Promise<void> = Promise.resolve();
  socket.on('error', () => socket.terminate());
  socket.on('message', (data: RawData) => {
    pending++;
    socket.pause();
    last = last.then(async () => {
      await answerMessage(socket, data, options);
      if (--pending === 0) socket.resume();
    });
  });
}

async function answerMessage(socket: WebSocket, data: RawData, options: DoorOptions): Promise<void> {
  const reply = await acceptWithRoom((data as Buffer).toString(), options).catch((error: unknown) => {
    if (error instanceof Refusal) return { error: error.message.slice(0, LONGEST_REASON) };
    if (!options.signal.aborted) options.onError(error);
    return { error: 'this failed inside the plug-in' };
  });
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(reply));
}

async function acceptWithRoom(text: string, { room, accept }: DoorOptions): Promise<object> {
  const body = jsonOf(text);
  for (;;) {
    await room();
    try {
      return await accept(body);
    } catch (error) {
      // Another sender was faster: wait again.
      if (!(error instanceof Refusal && error.status === 429)) throw error;
    }
  }
}

/** @throws Refusal unless the request is addressed to this server and its sender has the right to send. */
function check(request: IncomingMessage, { token, host }: DoorOptions): void {
  if ((request.url ?? '').split('?')[0] !== PATH) throw new Refusal(404, `questions go to ${PATH}`);
  if (token !== undefined) {
    const given = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given === undefined || !isSame(given, token)) throw new Refusal(401, 'the token is missing or wrong');
    return;
  }
  // Without a token, refuse web pages: a page sends its origin, and a DNS name rebound to this address is not ours.
  const name = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (!isLoopback(name) && name !== host) throw new Refusal(403, `this is not ${name.slice(0, 80)}`);
  if (request.headers.origin !== undefined) throw new Refusal(403, 'pages may not send questions here: set a token');
}

function isSame(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

async function bodyOf(request: IncomingMessage, most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) throw new Refusal(413, `a question has more than ${most} bytes, pictures included`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'this is no JSON');
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  if (!response.destroyed)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

function refusalOf(work: () => void): Refusal | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error as Refusal;
  }
}

function turnAway(socket: Duplex, { status, message }: Refusal): void {
  const head = `HTTP/1.1 ${status} \r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`;
  socket
    .once('finish', () => socket.destroy())
    .end(`${head}Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`);
}
