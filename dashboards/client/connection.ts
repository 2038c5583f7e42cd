/**
 * The page's only WebSocket to the daemon. Every request is answered or fails; none hangs. A lost connection is retried
 * with growing pauses until it is back. After missed updates, `onResync` tells listeners to request their data again.
 */
import { cell, type Cell } from './cell.ts';
import { decode, encode } from '../../src/protocol/codec.ts';
import type { Command } from '../../src/protocol/commands.ts';
import {
  CLOSE,
  FRAMES_VERSION,
  type Access,
  type ClientFrame,
  type Live,
  type Method,
  type Requests,
  type ServerFrame,
} from '../../src/protocol/frames.ts';

export type Update = Extract<ServerFrame, { type: 'update' }>;

export type ConnectionState =
  /** Not open for the first time yet. */
  | { readonly type: 'connecting' }
  | { readonly type: 'open' }
  /**
   * The next attempt is at `retryAt`, milliseconds since 1970; null while an attempt is in progress. `ended`: the
   * daemon announced that it stops.
   */
  | { readonly type: 'lost'; readonly reason: string; readonly retryAt: number | null; readonly ended: boolean }
  /** Retrying cannot help until the user acts. */
  | { readonly type: 'refused'; readonly why: 'version' | 'token'; readonly reason: string };

/** The daemon refused, with a reason for the user. */
export class RefusedError extends Error {}

/** The connection was lost before the answer came, or no answer came in time. */
export class ConnectionError extends Error {}

/**
 * The connection was lost, or the time ran out, after a command was sent; if the command arrived, the daemon completes
 * it.
 */
export class UnheardError extends ConnectionError {}

export interface Connection {
  readonly state: Cell<ConnectionState>;
  /** What this browser may do; null before the first hello. */
  readonly access: Cell<Access | null>;
  /** The newest status; kept while the connection is lost. */
  readonly live: Cell<Live | null>;
  /** @throws RefusedError | ConnectionError */
  request<M extends Method>(method: M, params: Requests[M]['params'], seconds?: number): Promise<Requests[M]['value']>;
  /**
   * Resolves when the command is done, with its result in words if it has one. @throws RefusedError | UnheardError |
   * ConnectionError
   */
  command(command: Command): Promise<string | null>;
  /**
   * Calls the listener with every update in order; no cell keeps `points`, `groups` and `events`. Returns the function
   * that unsubscribes.
   */
  onUpdate(listener: (update: Update) => void): () => void;
  /** Calls the listener after missed updates: a reconnection, or a gap in `seq`. */
  onResync(listener: () => void): () => void;
  retryNow(): void;
}

const REQUEST_SECONDS = 20;
/** A stop or a full evaluation may take minutes. */
const COMMAND_SECONDS = 600;
const BELONGS = 'The daemon carries out what has reached it; the event log shows the outcome.';
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
/** The daemon sends an update every second; silence for this long means a dead connection. */
const SILENCE = 20_000;
const HELLO = 10_000;
/** WebSocket close code of a server that stops on purpose. */
const GOING_AWAY = 1001;

type Timer = ReturnType<typeof setTimeout>;
interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
  readonly isCommand: boolean;
}

export function connect(url: string): Connection {
  return new Socket(url);
}

class Socket implements Connection {
  readonly state: Cell<ConnectionState> = cell<ConnectionState>({ type: 'connecting' });
  readonly access: Cell<Access | null> = cell<Access | null>(null);
  readonly live: Cell<Live | null> = cell<Live | null>(null);
  readonly #url: string;
  readonly #pending = new Map<number, Pending>();
  readonly #updates = new Set<(update: Update) => void>();
  readonly #resyncs = new Set<() => void>();
  #socket: WebSocket | undefined;
  #timer: Timer | undefined;
  #silence: Timer | undefined;
  #nextId = 1;
  #seq: number | undefined;
  #tries = 0;
  #greeted = false;
  #ended = false;

  constructor(url: string) {
    this.#url = url;
    this.#open();
    addEventListener('online', () => this.retryNow());
  }

  request<M extends Method>(
    method: M,
    params: Requests[M]['params'],
    seconds = REQUEST_SECONDS,
  ): Promise<Requests[M]['value']> {
    return this.#ask((id) => ({ type: 'request', id, method, params }) as ClientFrame, seconds) as Promise<
      Requests[M]['value']
    >;
  }

  command(command: Command): Promise<string | null> {
    return this.#ask((id) => ({ type: 'command', id, command }), COMMAND_SECONDS) as Promise<string | null>;
  }

  onUpdate(listener: (update: Update) => void): () => void {
    this.#updates.add(listener);
    return () => this.#updates.delete(listener);
  }

  onResync(listener: () => void): () => void {
    this.#resyncs.add(listener);
    return () => this.#resyncs.delete(listener);
  }

  retryNow(): void {
    if (this.state.get().type === 'lost' && this.#timer !== undefined) this.#open();
  }

  #ask(frame: (id: number) => ClientFrame, seconds: number): Promise<unknown> {
    const socket = this.#socket;
    if (socket === undefined || this.state.get().type !== 'open')
      return Promise.reject(new ConnectionError('There is no connection to the daemon.'));
    const id = this.#nextId++;
    const asked = frame(id);
    const isCommand = asked.type === 'command';
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        if (isCommand) reject(new UnheardError(`Not done within ${seconds / 60} minutes. ${BELONGS}`));
        else reject(new ConnectionError(`The daemon did not answer within ${seconds} seconds.`));
      }, seconds * 1000);
      this.#pending.set(id, { resolve, reject, timer, isCommand });
      socket.send(encode(asked));
    });
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const state = this.state.get();
    if (state.type === 'lost') this.state.set({ ...state, retryAt: null });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => socket.send(encode({ type: 'hello', v: FRAMES_VERSION })));
    socket.addEventListener('message', ({ data }) => this.#receive(socket, data as ArrayBuffer | string));
    socket.addEventListener('close', ({ code, reason }) => this.#closed(socket, code, reason));
    this.#expect(socket, HELLO);
  }

  #receive(socket: WebSocket, data: ArrayBuffer | string): void {
    if (socket !== this.#socket) return;
    if (typeof data === 'string') return socket.close();
    this.#expect(socket, SILENCE);
    const frame = decode(new Uint8Array(data)) as ServerFrame;
    if (frame.type === 'hello') return this.#hello(frame);
    if (frame.type === 'update') return this.#update(frame);
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) return;
    this.#pending.delete(frame.id);
    clearTimeout(pending.timer);
    if (frame.type === 'reply') pending.resolve(frame.value);
    else pending.reject(new RefusedError(frame.message));
  }

  #hello({ v, access, live }: Extract<ServerFrame, { type: 'hello' }>): void {
    if (v !== FRAMES_VERSION)
      return this.#refuse('version', `The daemon speaks version ${v}, this page version ${FRAMES_VERSION}.`);
    this.#tries = 0;
    this.#ended = false;
    this.#seq = undefined;
    this.access.set(access);
    this.live.set(live);
    this.state.set({ type: 'open' });
    if (this.#greeted) this.#resync();
    this.#greeted = true;
  }

  #update(update: Update): void {
    const missed = this.#seq !== undefined && update.seq !== this.#seq + 1;
    this.#seq = update.seq;
    this.live.set(update.live);
    for (const listener of this.#updates) listener(update);
    if (missed) this.#resync();
  }

  #resync(): void {
    for (const listener of this.#resyncs) listener();
  }

  /** Closes the socket if no message comes within `milliseconds`. */
  #expect(socket: WebSocket, milliseconds: number): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#closed(socket, 1006, 'the daemon has gone silent'), milliseconds);
  }

  #closed(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    clearTimeout(this.#silence);
    this.#socket = undefined;
    socket.close();
    for (const { reject, timer, isCommand } of this.#pending.values()) {
      clearTimeout(timer);
      if (isCommand) reject(new UnheardError(`The connection to the daemon was lost. ${BELONGS}`));
      else reject(new ConnectionError('The connection to the daemon was lost before it answered.'));
    }
    this.#pending.clear();
    if (code === CLOSE.wrongVersion) return this.#refuse('version', reason);
    if (code === CLOSE.notAllowed) return this.#refuse('token', reason);
    if (code === GOING_AWAY) this.#ended = true;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#tries) * (0.75 + Math.random() / 2);
    this.#tries += 1;
    this.state.set({
      type: 'lost',
      reason: reason || 'the daemon cannot be reached',
      retryAt: Date.now() + pause,
      ended: this.#ended,
    });
    this.#timer = setTimeout(() => void this.#retry(), pause);
  }

  /**
   * Sends an ordinary request before it reconnects, because a browser does not report why a WebSocket was refused: the
   * answer tells a missing token from a missing daemon.
   */
  async #retry(): Promise<void> {
    const answer = await fetch('./', { method: 'HEAD', cache: 'no-store', signal: AbortSignal.timeout(5000) }).catch(
      () => undefined,
    );
    if (this.#timer === undefined) return;
    if (answer?.status === 401 || answer?.status === 403)
      return this.#refuse('token', 'The daemon wants a token that this browser does not have.');
    this.#open();
  }

  #refuse(why: 'version' | 'token', reason: string): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
    this.state.set({ type: 'refused', why, reason });
  }
}
