/** The other end of the wire: a page's WebSocket, and the server that it talks to. */
import { WebSocket, type ClientOptions } from 'ws';
import { onTestFinished } from 'vitest';
import { startDashboard, type Dashboard, type DashboardOptions } from '../../../../dashboards/server/server.ts';
import { decode, encode } from '../../../../src/protocol/codec.ts';
import type { Command } from '../../../../src/protocol/commands.ts';
import type { ClientFrame, Method, Requests, ServerFrame } from '../../../../src/protocol/frames.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

export interface Desk {
  readonly daemon: FakeDaemon;
  readonly dashboard: Dashboard;
  readonly clock: ManualClock;
  /** What the server could not blame on a client. */
  readonly errors: unknown[];
  /** `/metrics` and the rest, as this machine's own browser asks for them. */
  get(path: string, init?: RequestInit): Promise<Response>;
}

export async function openDesk(options: Partial<DashboardOptions> = {}): Promise<Desk> {
  const daemon = new FakeDaemon();
  const clock = new ManualClock();
  const errors: unknown[] = [];
  const dashboard = await startDashboard(daemon, {
    port: 0,
    host: '127.0.0.1',
    allowedHosts: [],
    maxClients: 64,
    runFolder: daemon.folder,
    clientFolder: `${daemon.folder}/client`,
    onError: (error) => errors.push(error),
    environment: {},
    clock,
    ...options,
  });
  onTestFinished(async () => {
    const closed = dashboard.close();
    clock.advance(10_000);
    await closed;
  });
  const get = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, dashboard.url), { redirect: 'manual', ...init });
  return { daemon, dashboard, clock, errors, get };
}

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export class Browser {
  readonly socket: WebSocket;
  readonly closed: Promise<Closing>;
  readonly frames: ServerFrame[] = [];
  readonly #waiting: (() => void)[] = [];
  #nextId = 1;

  constructor(dashboard: Pick<Dashboard, 'port'>, options: ClientOptions = {}) {
    const origin = `http://127.0.0.1:${dashboard.port}`;
    this.socket = new WebSocket(`ws://127.0.0.1:${dashboard.port}/ws`, {
      origin,
      perMessageDeflate: false,
      ...options,
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      });
    });
    this.socket.on('error', () => {}); // told by `closed` or `opened`
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(decode(data) as ServerFrame);
      this.#wake();
    });
  }

  /** Connected, and greeted. */
  static async open(dashboard: Pick<Dashboard, 'port'>, options: ClientOptions = {}): Promise<Browser> {
    const browser = await Browser.connect(dashboard, options);
    browser.send({ type: 'hello', v: 1 });
    await browser.next('hello');
    return browser;
  }

  /** Connected, nothing said. */
  static async connect(dashboard: Pick<Dashboard, 'port'>, options: ClientOptions = {}): Promise<Browser> {
    const browser = new Browser(dashboard, options);
    await new Promise<void>((resolve, reject) => browser.socket.once('open', resolve).once('error', reject));
    return browser;
  }

  send(frame: ClientFrame): void {
    this.socket.send(encode(frame));
  }

  /** The oldest frame of the type that was not taken yet. */
  async next<T extends ServerFrame['type']>(
    type: T,
    which: (frame: ServerFrame & { type: T }) => boolean = () => true,
  ) {
    for (;;) {
      const index = this.frames.findIndex((frame) => frame.type === type && which(frame as ServerFrame & { type: T }));
      if (index >= 0) return this.frames.splice(index, 1)[0] as ServerFrame & { type: T };
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed while waiting for ${type}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** @throws Error with the message of a refusal. */
  async ask<M extends Method>(method: M, params: Requests[M]['params']): Promise<Requests[M]['value']> {
    const id = this.#nextId++;
    this.send({ type: 'request', id, method, params } as ClientFrame);
    return (await this.#answer(id)) as Requests[M]['value'];
  }

  async command(command: Command): Promise<unknown> {
    const id = this.#nextId++;
    this.send({ type: 'command', id, command });
    return this.#answer(id);
  }

  /** The reply or the refusal. */
  answerTo(id: number): Promise<ServerFrame & { type: 'reply' | 'refused' }> {
    const mine = (frame: { readonly id: number }) => frame.id === id;
    return Promise.race([this.next('reply', mine), this.next('refused', mine)]);
  }

  async #answer(id: number): Promise<unknown> {
    const frame = await this.answerTo(id);
    if (frame.type === 'refused') throw new Error(frame.message);
    return frame.value;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Status and words of an upgrade that was turned away. */
export function turnedAway(
  dashboard: Pick<Dashboard, 'port'>,
  options: ClientOptions = {},
): Promise<{ status: number; words: string }> {
  const { socket } = new Browser(dashboard, options);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was let in')));
    socket.once('unexpected-response', (_, response) => {
      let words = '';
      response.setEncoding('utf8').on('data', (part: string) => (words += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, words }));
    });
  });
}
