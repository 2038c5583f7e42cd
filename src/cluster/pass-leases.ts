/**
 * Lends passes of the learner's steps to workers. A worker asks for a pass and gets a lease, fetches weights and pass
 * over HTTP, sends the gradient to the daemon's server under the lease's id, and reports that it is there. No lease is
 * stored or lent twice: the learner computes the passes that workers lose.
 */
import { EventEmitter, once } from 'node:events';
import { randomBytes } from 'node:crypto';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { Config } from '../config/schema.ts';
import type { Helpers, Offered } from '../policy/helpers.ts';
import { encode } from '../protocol/codec.ts';
import type { Blobs, Content, Upload } from './blobs.ts';
import { wireQuestion, type WeightHashes } from './make-lease.ts';
import type { Members } from './members.ts';
import { PassOffer } from './pass-offer.ts';
import { ANY_WORKER, namesOf, workerOf } from './queues.ts';
import {
  hashOf,
  passMessageSchema,
  read,
  type Blob,
  type PassLease,
  type PassReport,
  type WireRequest,
} from './wire.ts';

export interface PassLeasesOptions {
  readonly cluster: Pick<Config['cluster'], 'name' | 'leaseSeconds' | 'checkShare' | 'gradientTolerance'>;
  readonly blobs: Blobs;
  readonly members: Members;
  readonly hashes: WeightHashes;
  /** Id of the daemon's setup, once it is known. */
  readonly setup: () => string | undefined;
  readonly park: (worker: string, why: string) => void;
  readonly note: (text: string) => void;
}

interface Lent {
  readonly offer: PassOffer;
  readonly at: number;
  readonly worker: string;
  /** Blobs that the worker needs. */
  readonly held: Blob[];
}

/** While no pass is free, the daemon answers a worker that asks for one after this time. */
const ASK_MILLISECONDS = 1_000;
const MOST_ASKS = 4_096;
/** Bytes of gradients that workers compute or that wait for the learner; a single larger one is allowed. */
const MOST_BYTES = 4e9;
const OFFER = 'offer';

export class PassLeases implements Helpers {
  readonly #options: PassLeasesOptions;
  readonly #offers = new Set<PassOffer>();
  readonly #lent = new Map<string, Lent>();
  readonly #events = new EventEmitter().setMaxListeners(MOST_ASKS + 1);
  /** Workers whose slowness is noted already. */
  readonly #slow = new Set<string>();

  constructor(options: PassLeasesOptions) {
    this.#options = options;
  }

  areReady(): boolean {
    const { members, setup } = this.#options;
    return members.can('learner', setup() ?? '');
  }

  offer(offered: Offered): PassOffer {
    const { hashes, members, park } = this.#options;
    const offer = new PassOffer(offered, {
      isParked: (worker) => members.isParked(worker),
      park,
      closed: () => this.#closed(offer),
      now: () => performance.now(),
    });
    this.#offers.add(offer);
    const hashed = (blob: Blob): void => {
      offer.blob = blob;
      this.#events.emit(OFFER);
    };
    hashes.of(offered.weights).then(hashed, () => {}); // weights that are gone: the step has ended
    return offer;
  }

  listen(connection: NatsConnection): void {
    const { passes } = namesOf(this.#options.cluster.name);
    connection.subscribe(passes(ANY_WORKER), {
      callback: (error, message) => {
        if (error) return;
        const worker = workerOf(message.subject);
        this.#answer(worker, message).catch((cause: Error) => {
          this.#options.note(`a worker's message about a pass cannot be answered: ${cause.message}`);
        });
      },
    });
  }

  async #answer(worker: string, message: Msg): Promise<void> {
    let report: PassReport;
    try {
      report = read(passMessageSchema, message.data, 'a message about a pass');
    } catch (error) {
      return this.#options.park(worker, (error as Error).message);
    }
    const answer = report.type === 'ask' ? await this.#ask(worker) : null;
    if (report.type === 'done') this.#done(worker, report);
    if (report.type === 'failed') this.#failed(worker, report);
    message.respond(encode(answer));
  }

  async #ask(worker: string): Promise<PassLease | null> {
    const lease = await this.#lend(worker);
    if (lease || this.#events.listenerCount(OFFER) >= MOST_ASKS) return lease;
    const isOffered = await once(this.#events, OFFER, { signal: AbortSignal.timeout(ASK_MILLISECONDS) }).catch(
      () => false,
    );
    return isOffered ? this.#lend(worker) : null;
  }

  async #lend(worker: string): Promise<PassLease | null> {
    const { members, setup } = this.#options;
    const lent = [...this.#lent.values()].filter((each) => each.worker === worker).length;
    if (lent >= members.devicesThat('learner', worker, setup() ?? '')) return null;
    const offer = this.#fullest();
    if (!offer) return null;
    const id = randomBytes(16).toString('hex');
    const one: Lent = { offer, worker, at: offer.lend(worker), held: [] };
    this.#lent.set(id, one);
    try {
      const lease = await this.#lease(id, one);
      if (this.#lent.get(id) === one) return lease;
    } catch {
      offer.lose(one.at); // the step has ended, or a picture is gone, which the learner finds too
    }
    this.#end(id, one);
    return null;
  }

  /** The offer with the most free passes; undefined while another gradient would exceed MOST_BYTES. */
  #fullest(): PassOffer | undefined {
    const [first] = [...this.#offers].toSorted((a, b) => b.free - a.free);
    if (!first || first.free === 0) return undefined;
    const bytes = [...this.#offers].reduce((sum, offer) => sum + offer.held * offer.bytes, 0);
    return bytes === 0 || bytes + first.bytes <= MOST_BYTES ? first : undefined;
  }

  async #lease(id: string, { offer, at, held }: Lent): Promise<PassLease> {
    const { blobs, setup } = this.#options;
    const hold = (blob: Blob, content: Content): void => {
      blobs.hold(blob, content);
      held.push(blob);
    };
    const weights = offer.blob!;
    hold(weights, { read: () => offer.weights.read() });
    const pictures: Blob[] = [];
    const { groups, ...rest } = offer.request(at);
    const wired: WireRequest['groups'] = [];
    for (const { question, responses } of groups) {
      const need = (blob: Blob, content: Content): void => {
        hold(blob, content);
        pictures.push(blob);
      };
      wired.push({ question: await wireQuestion(question, need), responses: [...responses] });
    }
    const bytes = encode({ ...rest, groups: wired } satisfies WireRequest);
    const request = { sha: hashOf(bytes), size: bytes.length };
    hold(request, { read: () => Promise.resolve(bytes) });
    blobs.expect(id, offer.bytes);
    return { id, setup: setup()!, version: offer.weights.version, weights, pictures, request };
  }

  #done(worker: string, { lease, sha, terms, gap }: Extract<PassReport, { type: 'done' }>): void {
    const lent = this.#lent.get(lease);
    if (lent?.worker !== worker) return;
    const { members, cluster } = this.#options;
    const upload = this.#end(lease);
    if (upload?.sha !== sha) return lent.offer.lose(lent.at);
    const isDue = members.isDue('learner', worker, cluster.checkShare, Math.random());
    members.countPass(worker);
    const gradients = upload.bytes.buffer;
    lent.offer.give(lent.at, { gradients, terms, gap, isDue, tolerance: cluster.gradientTolerance });
  }

  #failed(worker: string, { lease, failure }: Extract<PassReport, { type: 'failed' }>): void {
    const lent = this.#lent.get(lease);
    if (lent?.worker !== worker) return;
    this.#end(lease);
    this.#options.note(`a worker cannot compute a gradient: ${failure}; the daemon computes it itself`);
    lent.offer.lose(lent.at);
  }

  /** Leases that the worker says it has in hand. */
  held(worker: string, ids: readonly string[]): void {
    for (const id of ids) {
      const lent = this.#lent.get(id);
      if (lent?.worker === worker) lent.offer.renew(lent.at);
    }
  }

  /** Gives the pass that the learner waits for back to it when its worker is lost or too slow. */
  tick(): void {
    const { cluster, members, note } = this.#options;
    for (const offer of this.#offers) {
      const overdue = offer.overdue(1_000 * cluster.leaseSeconds, (worker) => members.isHere(worker));
      if (!overdue) continue;
      const { at, worker, isSlow } = overdue;
      if (isSlow && !this.#slow.has(worker) && this.#slow.size < MOST_ASKS) {
        this.#slow.add(worker);
        note(
          `worker ${members.nameOf(worker)} takes longer for a pass than the learner waits: the learner computes it`,
        );
      }
      for (const [id, lent] of this.#lent) if (lent.offer === offer && lent.at === at) this.#end(id);
      offer.lose(at);
    }
  }

  #closed(offer: PassOffer): void {
    this.#offers.delete(offer);
    for (const [id, lent] of this.#lent) if (lent.offer === offer) this.#end(id);
  }

  #end(id: string, lent = this.#lent.get(id)): Upload | undefined {
    const { blobs } = this.#options;
    for (const blob of lent?.held.splice(0) ?? []) blobs.release(blob);
    this.#lent.delete(id);
    return blobs.taken(id);
  }
}
