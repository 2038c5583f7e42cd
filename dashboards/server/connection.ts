/**
 * The connection of one browser. After its hello, requests are answered one at a time, each in its turn (turns.ts) and
 * after the previous answer has left this process. So a client that reads nothing costs at most one answer and a
 * bounded number of updates. While several requests wait, the socket is not read. A client that breaks a rule is closed
 * with the rule as the reason.
 */
import type { WebSocket } from 'ws';
import { decode, encode, replyHead } from '../../src/protocol/codec.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { isUrgent } from '../../src/protocol/commands.ts';
import { CLOSE, FRAMES_VERSION, type ClientFrame, type ServerFrame } from '../../src/protocol/frames.ts';
import { Bucket } from './bucket.ts';
import { guarded } from './guard.ts';
import { helloVersion, parseFrame } from './inbound.ts';
import { Lane } from './lane.ts';
import { LONGEST_VALUE } from './replies.ts';
import { FAILED } from './responses.ts';
import type { Peer, ConnectionParts } from './connection-parts.ts';

/** Bytes of an inbound frame. */
export const LONGEST_FRAME = 64 * 2 ** 10;
/** A client with more unread bytes than this gets no further update. */
export const MOST_UNREAD = 2 ** 20;
const SILENT_MILLISECONDS = 30_000;
const HELLO_MILLISECONDS = 10_000;
const GOODBYE_MILLISECONDS = 2_000;
const FRAMES_AT_ONCE = 100;
const FRAMES_PER_SECOND = 25;
const REQUESTS_WAITING = 16;
/** Commands of one browser without a reply. */
const COMMANDS_IN_HAND = 32;
/**
 * With this many requests or commands waiting for their turn, the socket is paused; frames that it has already received
 * still arrive.
 */
const READ_AHEAD = 4;
/** Main-thread milliseconds that a command costs the daemon after its synchronous part. */
const COMMAND_MILLISECONDS = 5;
/** "Internal error" of RFC 6455. */
const CLOSE_FAILED = 1011;
/** The longest reason that a close frame holds, in bytes. */
const LONGEST_REASON = 123;

type Asking = Exclude<ClientFrame, { readonly type: 'hello' }>;

export class Connection {
  readonly #socket: WebSocket;
  readonly #peer: Peer;
  readonly #services: ConnectionParts;
  readonly #bucket: Bucket;
  readonly #requests = new Lane(REQUESTS_WAITING, () => this.#moved());
  readonly #commands = new Lane(COMMANDS_IN_HAND, () => this.#moved());
  readonly #urgent = new Lane(COMMANDS_IN_HAND, () => this.#moved());
  readonly #inFlight = new Set<number>();
  #commandsInHand = 0;
  readonly #joinedAt: number;
  /** When the client last sent a frame or took an answer. */
  #heardAt: number;
  #heldAt = 0;
  #isReady = false;
  #isClosing = false;

  constructor(socket: WebSocket, peer: Peer, services: ConnectionParts) {
    this.#socket = socket;
    this.#peer = peer;
    this.#services = services;
    this.#bucket = new Bucket(FRAMES_AT_ONCE, FRAMES_PER_SECOND, services.clock);
    this.#joinedAt = this.#heardAt = services.clock.now();
    const safe = <A extends readonly unknown[]>(listener: (...given: A) => unknown) =>
      guarded(services.onError, listener, () => this.close(CLOSE_FAILED, FAILED));
    const heard = safe(() => this.#heard());
    const message = safe((data: Buffer, isBinary: boolean) =>
      services.turns.measure(() => this.#receive(data, isBinary)),
    );
    const closed = safe(() => this.#forget());
    socket.on('message', message).on('ping', heard).on('pong', heard).on('close', closed);
    socket.on('error', () => {}); // ws closes the socket itself, with a code of its own
  }

  /** Whether the client is ready and has read enough of the earlier updates. */
  get canTake(): boolean {
    return this.#isReady && !this.#isClosing && this.unreadBytes <= MOST_UNREAD;
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isClosing;
  }

  get unreadBytes(): number {
    return this.#socket.bufferedAmount;
  }

  send(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true }, () => {}); // fails while the socket closes: nothing to do then
  }

  /** Ends a connection that answered no ping or never said hello; pings the others. */
  check(): void {
    const now = this.#services.clock.now();
    if (now - this.#heardAt > SILENT_MILLISECONDS) this.#socket.terminate();
    else if (!this.#isReady && now - this.#joinedAt > HELLO_MILLISECONDS) this.close(CLOSE.badFrame, 'no hello came');
    else if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#forget();
    this.#socket.resume(); // lets the client's close frame in
    const short = Buffer.from(reason).subarray(0, LONGEST_REASON).toString();
    this.#socket.close(code, short.replace(/\uFFFD$/, ''));
    const callOff = this.#services.clock.after(GOODBYE_MILLISECONDS, () => this.#socket.terminate());
    this.#socket.once('close', callOff);
  }

  #forget(): void {
    this.#isClosing = true;
    this.#requests.clear();
  }

  /** Counts a frame. @returns false after closing a client that sends too many */
  #heard(): boolean {
    this.#heardAt = this.#services.clock.now();
    if (this.#bucket.take()) return true;
    this.close(CLOSE.tooFast, `more than ${FRAMES_PER_SECOND} messages a second`);
    return false;
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isClosing || !this.#heard()) return;
    try {
      if (!isBinary) throw new Error('frames are binary');
      if (data.length > LONGEST_FRAME) throw new Error(`a frame has at most ${LONGEST_FRAME} bytes`);
      const value = decode(data);
      const version = this.#isReady ? undefined : helloVersion(value);
      if (version !== undefined && version !== FRAMES_VERSION) {
        this.close(
          CLOSE.wrongVersion,
          `this daemon speaks version ${FRAMES_VERSION} of the frames, the page ${version}: load it again`,
        );
        return;
      }
      this.#handle(parseFrame(value));
    } catch (error) {
      this.close(CLOSE.badFrame, (error as Error).message);
    }
  }

  /** @throws Error when the frame may not come now. */
  #handle(frame: ClientFrame): void {
    if (frame.type === 'hello') return this.#welcome();
    if (!this.#isReady) throw new Error(`${frame.type} before hello`);
    if (this.#inFlight.has(frame.id)) throw new Error(`id ${frame.id} is still in flight`);
    this.#inFlight.add(frame.id);
    if (frame.type === 'command' && this.#peer.access === 'control') this.#accept(frame);
    else {
      const isTaken = this.#requests.add(() => this.#services.turns.done(() => this.#answer(frame)));
      if (!isTaken)
        this.#refuse(frame.id, new InputError('too many questions at once: ask again when these are answered'));
    }
    this.#hold();
  }

  async #answer(frame: Asking): Promise<void> {
    if (this.#isClosing) return;
    if (frame.type === 'request') await this.#reply(frame);
    else
      this.#refuse(
        frame.id,
        new InputError('this token lets look, not command: open the dashboard with the control token'),
      );
  }

  #moved(): void {
    this.#heardAt = this.#services.clock.now();
    this.#hold();
  }

  /** Pauses or resumes reading by the number of waiting requests. */
  #hold(): void {
    if (this.#isClosing) return;
    const isAhead = Math.max(this.#requests.waiting, this.#commands.waiting, this.#urgent.waiting) >= READ_AHEAD;
    if (isAhead === this.#socket.isPaused) return;
    if (isAhead) this.#heldAt = this.#services.clock.now();
    else this.#bucket.held(this.#heldAt);
    this.#socket[isAhead ? 'pause' : 'resume']();
  }

  #welcome(): void {
    if (this.#isReady) throw new Error('a second hello');
    this.#isReady = true;
    this.send(this.#services.hello(this.#peer.access));
    this.#services.onReady();
  }

  async #reply({ id, method, params }: Asking & { readonly type: 'request' }): Promise<void> {
    try {
      const { replies, flight, turns } = this.#services;
      const value = await replies.value(method, params);
      if (value.length > LONGEST_VALUE)
        throw new InputError(`the answer has ${(value.length / 1e6).toFixed(0)} MB: ask for less at once`);
      this.#inFlight.delete(id);
      const landed = flight.carry(value, () => this.#socket.terminate());
      const send = (sent: () => void) => {
        // In two fragments of one message, so that all requests share the value's bytes.
        this.#socket.send(replyHead(id), { binary: true, fin: false }, () => {});
        this.#socket.send(value, { binary: true, fin: true }, sent);
      };
      await new Promise<void>((resolve) => turns.measure(() => send(() => resolve()))).finally(landed);
    } catch (error) {
      this.#refuse(id, error);
    }
  }

  /** The daemon executes an accepted command even if this browser leaves. */
  #accept(frame: Asking & { readonly type: 'command' }): void {
    if (this.#commandsInHand >= COMMANDS_IN_HAND) {
      return this.#refuse(frame.id, new InputError('too many commands at once: ask again when these are done'));
    }
    this.#commandsInHand += 1;
    const { turns, urgentTurns } = this.#services;
    const [lane, its] = isUrgent(frame.command) ? [this.#urgent, urgentTurns] : [this.#commands, turns];
    lane.add(() => its.done(() => void this.#obey(frame), COMMAND_MILLISECONDS));
  }

  /** Hands the command to the daemon, which orders commands itself. */
  async #obey({ id, command }: Asking & { readonly type: 'command' }): Promise<void> {
    try {
      const words = await this.#services.command(command, this.#peer.author);
      this.#inFlight.delete(id);
      this.#say({ type: 'reply', id, value: words ?? null });
    } catch (error) {
      this.#refuse(id, error);
    } finally {
      this.#commandsInHand -= 1;
    }
  }

  #refuse(id: number, error: unknown): void {
    this.#inFlight.delete(id);
    if (!(error instanceof InputError)) this.#services.onError(error);
    this.#say({ type: 'refused', id, message: error instanceof InputError ? error.message : FAILED });
  }

  #say(frame: ServerFrame): void {
    this.send(encode(frame));
  }
}
