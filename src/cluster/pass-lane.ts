/**
 * One device of a worker that learns. It asks the daemon for a pass, computes the gradient, sends it to the daemon's HTTP
 * server and reports that it is there. Meanwhile the worker's heartbeats name the lease, which keeps it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { encode } from '../protocol/codec.ts';
import { InputError } from '../protocol/errors.ts';
import type { PassGradient } from '../protocol/passes.ts';
import { sendBytes, type BlobSource } from './download.ts';
import type { LaneOptions } from './job-lane.ts';
import type { Station } from './station.ts';
import { failureOf, hashOf, passLeaseSchema, read, type PassLease, type PassReport } from './wire.ts';

export interface PassLaneOptions extends LaneOptions {
  readonly source: () => BlobSource;
}

const REST_MILLISECONDS = 100;
/** The daemon answers within this time, even where it has no pass. */
const ANSWER_MILLISECONDS = 5_000;
/** Attempts to report a gradient while NATS is away. */
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
      await this.#say({ type: 'failed', lease: lease.id, failure: failureOf(error as Error) }).catch(() => {});
      // A RangeError says that the daemon no longer needs the pass.
      if (!(error instanceof RangeError)) await failed(error as Error, lease.setup);
    } finally {
      holds.delete(lease.id);
    }
  }

  async #give(lease: string, { gradients, terms, gap }: PassGradient): Promise<void> {
    if (!Object.values(terms).every(Number.isFinite)) throw new InputError('the loss of a pass is not finite');
    const bytes = new Uint8Array(gradients).slice(); // HTTP takes no shared memory
    await sendBytes(this.#options.source, lease, bytes);
    const done: PassReport = { type: 'done', lease, sha: hashOf(bytes), terms: { ...terms }, gap: { ...gap } };
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
