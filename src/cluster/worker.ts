/**
 * A worker: a process that samples, or computes gradients, for a daemon on another machine. It keeps nothing that the
 * daemon cannot send again, so it may start before the daemon, be killed at any moment, and come back. For each of its
 * roles each device takes one lease at a time. That of a job is renewed while the device samples, and done when the
 * queue has all its groups; for that of a pass see pass-lane.ts.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Config } from '../config/schema.ts';
import { encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import type { SampleReply } from '../protocol/ports.ts';
import { connectTo, watchConnection } from './connection.ts';
import type { BlobSource } from './download.ts';
import { PassLane } from './pass-lane.ts';
import { PictureCache } from './pictures.ts';
import { Station, type StationOptions } from './station.ts';
import { namesOf, publish, queuesOf, takeLeases, type Queues } from './queues.ts';
import {
  keyOf,
  leaseSchema,
  ordersSchema,
  read,
  type Beat,
  type FailureMessage,
  type GroupMessage,
  type Lease,
  type Orders,
  type Role,
  type Setup,
} from './wire.ts';

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
  readonly turn?: StationOptions['turn'];
}

const BEAT_MILLISECONDS = 1_000;
/** The daemon answers a beat within this time. */
const ANSWER_MILLISECONDS = 2_000;
/** A pull waits this long for a lease. */
const PULL_MILLISECONDS = 1_000;
/** A device looks this often whether there is work for it. */
const IDLE_MILLISECONDS = 100;
/** Renewals within the time of a lease. */
const RENEWALS = 4;
/** Another worker may take a lease that failed here after this time. */
const REST_MILLISECONDS = 500;
/** Deliveries of a lease after which a worker reports its failure to the daemon. */
const DELIVERIES = 5;
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
    const lanes = this.#roles.map((role) => () => (role === 'sampler' ? this.#lane() : this.#passLane()));
    await Promise.all(devices.flatMap(() => lanes.map((lane) => lane())));
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
      await this.#beat(false).catch((error: Error) => {
        if (error instanceof InputError) this.#fail(error);
        else this.#sayOnce('waits for the daemon');
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
    if (orders.order === 'park') this.#sayOnce(`is parked by the daemon: ${orders.why ?? ''}`);
    if (orders.order === 'drain') this.drain('the daemon drains it');
    if (orders.setup && orders.setup.id !== this.#station?.setup.id) this.#begin(orders.setup);
  }

  get #source(): BlobSource {
    return { ...this.#orders!.blobs, onBytes: (count, way) => void (this.#bytes[way] += count) };
  }

  /** Opens a setup; heartbeats continue meanwhile. */
  #begin(setup: Setup): void {
    const old = this.#station;
    const { open, turn, cache, name, devices } = this.#options;
    const roles = this.#roles;
    const source = (): BlobSource => this.#source;
    const station = new Station({ setup, cache, name, roles, devices, source, pictures: this.#pictures, open, turn });
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

  #passLane(): Promise<void> {
    const lane = new PassLane({
      connection: this.#connection,
      subject: namesOf(this.#options.cluster).passes(this.#key),
      station: () => this.#working,
      source: () => this.#source,
      holds: this.#holds,
      done: () => (this.#failingSince = undefined),
      failed: (error, setup) => {
        this.#failedWith(error, setup);
        return this.#rest();
      },
    });
    return lane.run(this.#ended.signal).catch((error: Error) => this.#fail(error));
  }

  async #lane(): Promise<void> {
    let consumer: Consumer | undefined;
    while (!this.#ended.signal.aborted) {
      const station = this.#working;
      if (!station) {
        await sleep(IDLE_MILLISECONDS);
        continue;
      }
      try {
        consumer ??= await takeLeases(this.#queues, this.#options.cluster);
        const message = await consumer.next({ expires: PULL_MILLISECONDS });
        if (!message) continue;
        if (this.#ended.signal.aborted || this.#station !== station) message.nak();
        else await this.#work(message, station);
        if (this.#failingSince !== undefined) await this.#rest();
      } catch (error) {
        if (error instanceof InputError) this.#fail(error); // a lease that only another version of Quorum can read
        consumer = undefined; // the server or its queue is away
        await sleep(REST_MILLISECONDS);
      }
    }
  }

  async #work(message: JsMsg, station: Station): Promise<void> {
    const lease = read(leaseSchema, message.data, 'a lease of the daemon');
    if (lease.setup !== station.setup.id) return message.nak(REST_MILLISECONDS);
    this.#holds.add(lease.id);
    const renewing = setInterval(() => message.working(), (1_000 * lease.seconds) / RENEWALS);
    try {
      await this.#publish(lease, await station.sample(lease));
      message.ack();
      this.#failingSince = undefined;
    } catch (error) {
      await this.#failed(message, lease, error as Error);
    } finally {
      clearInterval(renewing);
      this.#holds.delete(lease.id);
    }
  }

  async #publish({ id, weights }: Lease, { groups, ...totals }: SampleReply): Promise<void> {
    const subject = namesOf(this.#options.cluster).groupsSubject(this.#key);
    for (const [index, samples] of groups.entries()) {
      const group: GroupMessage = { lease: id, weights: weights.sha, index, samples: [...samples], totals };
      await publish(this.#queues, subject, this.#fitting(encode(group)));
    }
  }

  #fitting(bytes: Uint8Array): Uint8Array {
    const most = this.#connection.info?.max_payload ?? Infinity;
    if (bytes.length <= most) return bytes;
    throw new InputError(
      `a group of ${bytes.length} bytes is more than the NATS server takes (${most}): start it with a larger max_payload, or lower sampling.maxNewTokens or sampling.samples`,
    );
  }

  /** Reports a lease that no worker can sample to the daemon; after another failure another worker tries the lease. */
  async #failed(message: JsMsg, lease: Lease, error: Error): Promise<void> {
    // RangeError: what the lease needs is gone, and it is the daemon's to say whether it still has a use for the lease.
    const isFinal = error instanceof InputError || error instanceof RangeError;
    if (isFinal || message.info.deliveryCount >= DELIVERIES) {
      const failure: FailureMessage = { lease: lease.id, failure: error.message.slice(0, 1_000) };
      await publish(this.#queues, namesOf(this.#options.cluster).groupsSubject(this.#key), encode(failure));
      message.ack();
      return;
    }
    message.nak(REST_MILLISECONDS);
    this.#failedWith(error, lease.setup);
  }

  /** @param setup that it failed with */
  #failedWith(error: Error, setup: string): void {
    this.#say(`failed: ${error.message}`);
    if (setup === this.#station?.setup.id) this.#countFailure(error);
  }

  /** The caller rests after it. */
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
