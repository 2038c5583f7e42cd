/**
 * Answers the requests of src/protocol/control.ts on the socket in the run folder: one request per connection, a line
 * of JSON each way.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { machineCommand } from '../protocol/command-schema.ts';
import type { ControlReply, ControlRequest } from '../protocol/control.ts';
import { InputError, toErrorData } from '../protocol/errors.ts';

const LONGEST_REQUEST = 65_536;
/**
 * Deadline for a client to send its request. Replies have no deadline, because `stop` is answered only when everything
 * is saved.
 */
const REQUEST_MILLISECONDS = 5000;
const MOST_CONNECTIONS = 32;

const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('status') }),
  z.strictObject({ type: z.literal('plugins') }),
  machineCommand,
]) satisfies z.ZodType<ControlRequest>;

export type Answer = (request: ControlRequest) => Promise<ControlReply>;

/**
 * Listens until closed. The caller holds the run folder's lock, so an existing socket belongs to a killed daemon.
 */
export async function listen(path: string, answer: Answer): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => void serve(socket, answer));
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  if (process.platform !== 'win32') chmodSync(path, 0o600); // the socket may be in the shared temporary folder
  return server;
}

async function serve(socket: Socket, answer: Answer): Promise<void> {
  socket.on('error', () => {}); // the client left
  const reply = await readLine(socket)
    .then((line) => answer(parse(line)))
    .catch((error: unknown): ControlReply => ({ type: 'error', error: toErrorData(error) }));
  if (!socket.destroyed) socket.end(`${JSON.stringify(reply)}\n`);
}

function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8');
    socket.setTimeout(REQUEST_MILLISECONDS, () =>
      reject(new InputError(`no request within ${REQUEST_MILLISECONDS / 1000} s`)),
    );
    socket.on('close', () => reject(new InputError('the connection was closed before the request ended')));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > LONGEST_REQUEST) reject(new InputError(`a request has at most ${LONGEST_REQUEST} characters`));
      if (!text.includes('\n')) return;
      socket.setTimeout(0);
      resolve(text.slice(0, text.indexOf('\n')));
    });
  });
}

function parse(line: string): ControlRequest {
  const parsed = request.safeParse(dataOf(line));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(`request ${line.slice(0, 80)}: ${[...issue!.path, issue!.message].join(': ')}`);
}

function dataOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
