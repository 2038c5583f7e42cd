/**
 * One device of a worker that samples. It takes a lease from the queue of jobs, renews it while the device samples, and
 * acknowledges it once the queue of groups has all its groups: until then another worker may get the lease.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import type { SampleReply } from '../protocol/ports.ts';
import { publish, takeLeases, type Queues } from './queues.ts';
import type { Station } from './station.ts';
import { failureOf, leaseSchema, read, type FailureMessage, type GroupMessage, type Lease } from './wire.ts';

/** What a lane of any role gets from its worker. */
export interface LaneOptions {
  readonly connection: NatsConnection;
  /** That of the messages which this lane publishes. */
  readonly subject: string;
  /** The open station; undefined while the worker is not to work. */
  readonly station: () => Station | undefined;
  /** Leases in hand, for the heartbeats. */
  readonly holds: Set<string>;
  /** Called after each lease that the device has finished. */
  readonly done: () => void;
  /** Counts a failure with this setup, and rests. */
  readonly failed: (error: Error, setup: string) => Promise<void>;
}

export interface JobLaneOptions extends LaneOptions {
  readonly queues: Queues;
  readonly cluster: string;
}

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

export class JobLane {
  readonly #options: JobLaneOptions;

  constructor(options: JobLaneOptions) {
    this.#options = options;
  }

  /** @throws InputError for a lease that only another version of Quorum can read. */
  async run(ended: AbortSignal): Promise<void> {
    const { queues, cluster } = this.#options;
    let consumer: Consumer | undefined;
    while (!ended.aborted) {
      const station = this.#options.station();
      if (!station) {
        await sleep(IDLE_MILLISECONDS);
        continue;
      }
      try {
        consumer ??= await takeLeases(queues, cluster);
        const message = await consumer.next({ expires: PULL_MILLISECONDS });
        if (!message) continue;
        if (ended.aborted || this.#options.station() !== station) message.nak();
        else await this.#work(message, station);
      } catch (error) {
        if (error instanceof InputError) throw error;
        consumer = undefined; // the server or its queue is away
        await sleep(REST_MILLISECONDS);
      }
    }
  }

  async #work(message: JsMsg, station: Station): Promise<void> {
    const lease = read(leaseSchema, message.data, 'a lease of the daemon');
    if (lease.setup !== station.setup.id) return message.nak(REST_MILLISECONDS);
    const error = await this.#sample(message, lease, station);
    if (error) await this.#options.failed(error, lease.setup);
  }

  /** @returns the error of a lease that another worker may be able to sample. */
  async #sample(message: JsMsg, lease: Lease, station: Station): Promise<Error | undefined> {
    const { holds, done } = this.#options;
    holds.add(lease.id);
    const renewing = setInterval(() => message.working(), (1_000 * lease.seconds) / RENEWALS);
    try {
      await this.#publish(lease, await station.sample(lease));
      message.ack();
      done();
      return undefined;
    } catch (error) {
      return await this.#giveBack(message, lease, error as Error);
    } finally {
      clearInterval(renewing);
      holds.delete(lease.id);
    }
  }

  async #publish({ id, weights }: Lease, { groups, ...totals }: SampleReply): Promise<void> {
    const { queues, subject } = this.#options;
    for (const [index, samples] of groups.entries()) {
      const group: GroupMessage = { lease: id, weights: weights.sha, index, samples: [...samples], totals };
      await publish(queues, subject, this.#fitting(encode(group)));
    }
  }

  #fitting(bytes: Uint8Array): Uint8Array {
    const most = this.#options.connection.info?.max_payload ?? Infinity;
    if (bytes.length <= most) return bytes;
    throw new InputError(
      `a group of ${bytes.length} bytes is more than the NATS server takes (${most}): start it with a larger max_payload, or lower sampling.maxNewTokens or sampling.samples`,
    );
  }

  /** Reports a lease that no worker can sample to the daemon; after another failure another worker tries the lease. */
  async #giveBack(message: JsMsg, lease: Lease, error: Error): Promise<Error | undefined> {
    // RangeError: what the lease needs is gone, and only the daemon knows whether it still needs the lease.
    const isFinal = error instanceof InputError || error instanceof RangeError;
    if (!isFinal && message.info.deliveryCount < DELIVERIES) {
      message.nak(REST_MILLISECONDS);
      return error;
    }
    const { queues, subject } = this.#options;
    const failure: FailureMessage = { lease: lease.id, failure: failureOf(error) };
    await publish(queues, subject, encode(failure));
    message.ack();
    return undefined;
  }
}
