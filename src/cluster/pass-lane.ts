/**
 * A device of a worker that computes gradients: asks for a pass, computes its gradient, puts that to the daemon's server,
 * and says so. The worker's heartbeats name the lease meanwhile.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import type { PassGradient } from '../protocol/passes.ts';
import { sendBytes, type BlobSource } from './download.ts';
import type { Station } from './station.ts';
import { passLeaseSchema, read, type PassLease, type PassReport } from './wire.ts';

export interface PassLaneOptions {
  readonly connection: NatsConnection;
  /** At which the daemon answers this worker. */
  readonly subject: string;
  /** Undefined while it is not to work. */
  readonly station: () => Station | undefined;
  readonly source: () => BlobSource;
  /** Leases in hand, for the heartbeats. */
  readonly holds: Set<string>;
  /** Work with a gradient is done. */
  readonly done: () => void;
  /** Counts a failure, and rests. */
  readonly failed: (error: Error, setup: string) => Promise<void>;
}

const REST_MILLISECONDS = 100;
/** The daemon answers within this time, even where it has no pass. */
const ANSWER_MILLISECONDS = 5_000;
/** Further attempts to say that a gradient is there, while NATS is away. */
const ATTEMPTS = 5;

export class PassLane {
  readonly #options: PassLaneOptions;

  constructor(options: PassLaneOptions) {
    this.#options = options;
  }

  /** @throws InputError for a lease that only another version of Quorum can read. */
  async run(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      const station = this.#options.station();
      const lease = station && (await this.#ask());
      if (lease && lease.setup === station.setup.id) await this.#work(lease, station);
      else await sleep(REST_MILLISECONDS);
    }
  }

  /** Null while the daemon has no pass, or is away. */
  async #ask(): Promise<PassLease | null> {
    const answer = await this.#say({ type: 'ask' }).catch(() => undefined);
    return answer ? read(passLeaseSchema.nullable(), answer, 'a pass of the daemon') : null;
  }

  async #work(lease: PassLease, station: Station): Promise<void> {
    const { holds, done, failed } = this.#options;
    holds.add(lease.id);
    try {
      await this.#give(lease.id, await station.gradient(lease));
      done();
    } catch (error) {
      const failure = (error as Error).message.slice(0, 1_000);
      await this.#say({ type: 'failed', lease: lease.id, failure }).catch(() => {});
      // A RangeError says that the daemon has no use for it any more.
      if (!(error instanceof RangeError)) await failed(error as Error, lease.setup);
    } finally {
      holds.delete(lease.id);
    }
  }

  async #give(lease: string, { gradients, terms, gap }: PassGradient): Promise<void> {
    if (!Object.values(terms).every(Number.isFinite)) throw new InputError('the loss of a pass is not finite');
    const bytes = new Uint8Array(gradients).slice(); // HTTP takes no shared memory
    await sendBytes(this.#options.source, lease, bytes);
    const sha = createHash('sha256').update(bytes).digest('hex');
    const done: PassReport = { type: 'done', lease, sha, terms: { ...terms }, gap: { ...gap } };
    for (let attempt = 1; ; attempt++) {
      try {
        return void (await this.#say(done));
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await sleep(REST_MILLISECONDS * attempt);
      }
    }
  }

  async #say(report: PassReport): Promise<Uint8Array> {
    const { connection, subject } = this.#options;
    return (await connection.request(subject, encode(report), { timeout: ANSWER_MILLISECONDS })).data;
  }
}
