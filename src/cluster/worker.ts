/**
 * A worker: a process that samples, or computes gradients, for a daemon on another machine. It keeps nothing that the
 * daemon cannot send again, so it may start before the daemon, be killed at any moment, and come back. For each of its
 * roles each device takes one lease at a time, in a lane of its own (job-lane.ts, pass-lane.ts).
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Config } from '../config/schema.ts';
import { encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import { connectTo, watchConnection } from './connection.ts';
import type { BlobSource } from './download.ts';
import { JobLane } from './job-lane.ts';
import { PassLane } from './pass-lane.ts';
import { PictureCache } from './pictures.ts';
import { Station, type StationOptions } from './station.ts';
import { hasJetStream, namesOf, queuesOf, type Queues } from './queues.ts';
import { keyOf, ordersSchema, read, type Beat, type Orders, type Role, type Setup } from './wire.ts';

export interface WorkerOptions {
  /** Addresses of NATS. */
  readonly join: string;
  readonly cluster: string;
  readonly name: string;
  /** Default: sampler. */
  readonly roles?: readonly Role[];
  readonly devices: readonly Config['workers']['engine'][];
  /** Folder of models and pictures. */
  readonly cache: string;
  /** Says in a sentence what the worker does. */
  readonly say: (text: string) => void;
  /** Ends the wait for a NATS server that is not there yet. */
  readonly signal?: AbortSignal;
  readonly open?: StationOptions['open'];
  readonly alter?: StationOptions['alter'];
}

const BEAT_MILLISECONDS = 1_000;
/** The daemon answers a beat within this time. */
const ANSWER_MILLISECONDS = 2_000;
/** A former process of this name, which was killed, has lost the name by then: the other one is alive. */
const NAME_MILLISECONDS = 6_000;
/** A rest after a lease or an opening that failed, and the time of failures alone after which the worker ends. */
const FAILED_REST_MILLISECONDS = 2_000;
const FAILING_MILLISECONDS = 120_000;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #id = randomUUID();
  readonly #key: string;
  readonly #connection: NatsConnection;
  readonly #queues: Queues;
  readonly #pictures: PictureCache;
  readonly #holds = new Set<string>();
  /** Aborted when it takes no more leases. */
  readonly #ended = new AbortController();
  /** Aborted when it holds no lease any more. */
  readonly #done = new AbortController();
  /** By HTTP. */
  readonly #bytes = { received: 0, sent: 0 };
  #orders: Orders | undefined;
  #station: Station | undefined;
  /** `performance.now` of the first failure after the last success. */
  #failingSince: number | undefined;
  /** `performance.now` from when on the daemon has told it to wait. */
  #waitingSince: number | undefined;
  #error: Error | undefined;
  #said = '';

  private constructor(options: WorkerOptions, connection: NatsConnection, queues: Queues) {
    this.#options = options;
    this.#key = keyOf({ name: options.name, id: this.#id });
    this.#connection = connection;
    this.#queues = queues;
    this.#pictures = new PictureCache(join(options.cache, 'pictures', options.name), 1e9);
  }

  /**
   * Waits for the NATS server. @throws InputError for an address or credentials that it cannot use, CancelledError
   * when `signal` ends the wait.
   */
  static async start(options: WorkerOptions): Promise<Worker> {
    const { join: address, cluster, name, say, signal = new AbortController().signal } = options;
    const client = { name: `quorum-worker-${name}`, inbox: namesOf(cluster).inbox(name) };
    const connection = await connectTo(address, client, { say, signal });
    return new Worker(options, connection, await queuesOf(connection));
  }

  /** Finishes the leases in hand and ends. */
  drain(why: string): void {
    if (this.#ended.signal.aborted) return;
    this.#say(`takes no more leases: ${why}`);
    this.#ended.abort();
  }

  /** Works until it is drained. @throws the error of a worker that cannot work. */
  async run(): Promise<void> {
    void watchConnection(this.#connection, this.#options.join, (text) => this.#say(text)).then(
      (reason) => reason && this.#fail(reason),
    );
    const beating = this.#beatUntil(this.#done.signal);
    const { devices } = this.#options;
    await Promise.all(devices.flatMap(() => this.#roles.map((role) => this.#lane(role))));
    this.#done.abort();
    await beating;
    await this.#beat(true).catch(() => {});
    await this.#station?.[Symbol.asyncDispose]();
    await this.#connection.drain().catch(() => {});
    if (this.#error) throw this.#error;
  }

  get #roles(): readonly Role[] {
    return this.#options.roles ?? ['sampler'];
  }

  async #beatUntil(done: AbortSignal): Promise<void> {
    while (!done.aborted) {
      await this.#beat(false).catch(async (error: Error) => {
        if (error instanceof InputError) this.#fail(error);
        else this.#sayOnce(await this.#whyAlone());
      });
      await sleep(BEAT_MILLISECONDS, undefined, { signal: done }).catch(() => {});
    }
  }

  async #beat(leaving: boolean): Promise<void> {
    const { cluster, name, devices } = this.#options;
    const { inBytes, outBytes } = this.#connection.stats();
    const beat: Beat = {
      id: this.#id,
      name,
      host: hostname(),
      pid: process.pid,
      devices: [...devices],
      roles: [...this.#roles],
      setup: this.#station?.isOpen === true ? this.#station.setup.id : null,
      version: this.#station?.version ?? null,
      holds: [...this.#holds],
      sentBytes: outBytes + this.#bytes.sent,
      receivedBytes: inBytes + this.#bytes.received,
      leaving,
    };
    const reply = await this.#connection.request(namesOf(cluster).beats(this.#key), encode(beat), {
      timeout: ANSWER_MILLISECONDS,
    });
    const orders = read(ordersSchema, reply.data, 'orders of the daemon');
    this.#orders = orders;
    this.#waitForName(orders);
    if (orders.order === 'park') this.#sayOnce(`is parked by the daemon: ${orders.why ?? ''}`);
    if (orders.order === 'drain') this.drain('the daemon drains it');
    if (orders.setup && orders.setup.id !== this.#station?.setup.id) this.#begin(orders.setup);
  }

  /** A worker of this name works already, or has been killed a moment ago. */
  #waitForName({ order, why = '' }: Orders): void {
    if (order !== 'wait' || this.#ended.signal.aborted) return void (this.#waitingSince = undefined);
    this.#waitingSince ??= performance.now();
    this.#sayOnce(`waits for its name: ${why}`);
    if (performance.now() - this.#waitingSince < NAME_MILLISECONDS) return;
    this.#fail(new InputError(`--name ${this.#options.name}: ${why}: give this worker another --name`));
  }

  /** Why no daemon answers. */
  async #whyAlone(): Promise<string> {
    const { cluster, join: address } = this.#options;
    if (await hasJetStream(this.#queues, cluster)) return 'waits for the daemon';
    return `waits for the daemon, which needs JetStream, and the NATS server at ${address} has none: start that with \`nats-server -js\``;
  }

  get #source(): BlobSource {
    return { ...this.#orders!.blobs, onBytes: (count, way) => void (this.#bytes[way] += count) };
  }

  /** Opens a setup; heartbeats continue meanwhile. */
  #begin(setup: Setup): void {
    const old = this.#station;
    const { open, alter, cache, name, devices } = this.#options;
    const roles = this.#roles;
    const source = (): BlobSource => this.#source;
    const station = new Station({ setup, cache, name, roles, devices, source, pictures: this.#pictures, open, alter });
    this.#station = station;
    void this.#open(station, old).catch((error: Error) => this.#fail(error));
  }

  /** Where the daemon or its files are away for a while, the next heartbeat begins again. */
  async #open(station: Station, old: Station | undefined): Promise<void> {
    await old?.[Symbol.asyncDispose]();
    try {
      await station.open();
      this.#failingSince = undefined;
      await this.#beat(false).catch(() => {}); // the daemon hands out jobs from now on
      this.#say(`joined the daemon as ${this.#options.name}`);
    } catch (error) {
      if (error instanceof InputError) throw error;
      this.#say(`cannot open the model of the daemon yet: ${(error as Error).message}`);
      this.#countFailure(error as Error);
      await this.#rest();
      await station[Symbol.asyncDispose]();
      if (this.#station === station) this.#station = undefined;
    }
  }

  /** The open station, where the daemon wants it to work. */
  get #working(): Station | undefined {
    return this.#orders?.order === 'work' && this.#station?.isOpen === true ? this.#station : undefined;
  }

  /** Works on leases of the role, one at a time, until the worker ends. */
  #lane(role: Role): Promise<void> {
    const { cluster } = this.#options;
    const names = namesOf(cluster);
    const common = {
      connection: this.#connection,
      station: () => this.#working,
      holds: this.#holds,
      done: () => (this.#failingSince = undefined),
      failed: (error: Error, setup: string) => {
        this.#failedWith(error, setup);
        return this.#rest();
      },
    };
    const lane =
      role === 'sampler'
        ? new JobLane({ ...common, subject: names.groupsSubject(this.#key), queues: this.#queues, cluster })
        : new PassLane({ ...common, subject: names.passes(this.#key), source: () => this.#source });
    return lane.run(this.#ended.signal).catch((error: Error) => this.#fail(error));
  }

  /** @param setup that of the failed lease */
  #failedWith(error: Error, setup: string): void {
    this.#say(`failed: ${error.message}`);
    if (setup === this.#station?.setup.id) this.#countFailure(error);
  }

  /** The worker ends when failures alone have lasted too long. The caller rests afterwards. */
  #countFailure(error: Error): void {
    this.#failingSince ??= performance.now();
    if (performance.now() - this.#failingSince > FAILING_MILLISECONDS) this.#fail(error);
  }

  async #rest(): Promise<void> {
    await sleep(FAILED_REST_MILLISECONDS, undefined, { signal: this.#ended.signal }).catch(() => {});
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.drain(error.message);
  }

  #sayOnce(text: string): void {
    if (this.#said !== text) this.#say(text);
    this.#said = text;
  }

  #say(text: string): void {
    this.#said = '';
    this.#options.say(text);
  }
}
