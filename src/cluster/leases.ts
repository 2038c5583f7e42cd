/**
 * The leases that the daemon has handed out, and the groups that come back. A lease is a whole job, so that a worker
 * computes what the daemon's own sampler would, to the bit. Its id names its content: the same job asked again, by this
 * process or by the next one after a crash, has the same id, and groups that came in the meantime are used. A group
 * that comes twice counts once.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { tellProgress } from '../lib/progress.ts';
import { CancelledError } from '../protocol/errors.ts';
import type { Sample } from '../protocol/messages.ts';
import type { SampledReply, SampleRequest } from '../protocol/ports.ts';
import { storable, type Examined } from './examine.ts';
import { failureSchema, groupSchema, read, type FailureMessage, type GroupMessage, type Lease } from './wire.ts';

/** A group that has come, with the message that is acknowledged once the store has it. */
interface Came {
  readonly worker: string;
  readonly group: GroupMessage;
  readonly message: JsMsg;
}

interface Open {
  readonly lease: Lease;
  readonly request: SampleRequest;
  readonly signal: AbortSignal | undefined;
  /** By the question's place. */
  readonly came: Map<number, Came>;
  /** When it was last handed out, or a worker last had it. */
  saidAt: number;
  isExamined: boolean;
  readonly settle: (outcome: Promise<SampledReply>) => void;
}

export interface LeaseEffects {
  /** The daemon's own sampler. */
  readonly own: (request: SampleRequest, signal?: AbortSignal) => Promise<SampledReply>;
  /** Puts the lease into the queue. */
  readonly publish: (lease: Lease) => Promise<void>;
  readonly isParked: (worker: string) => boolean;
  /** A sentence on what is wrong with a whole lease, by worker; undefined for one that is sound. */
  readonly examine: (given: Examined) => Promise<{ readonly worker: string; readonly why: string } | undefined>;
  readonly park: (worker: string, why: string) => void;
  readonly gave: (worker: string, groups: number) => void;
  readonly note: (text: string) => void;
}

/** Leases that are remembered without being open: those that are done, and those that no call has asked for. */
const REMEMBERED = 1_024;
/** A job that an earlier process handed out is asked for within this time, or not at all. */
const EARLY_MILLISECONDS = 600_000;

interface Early {
  readonly at: number;
  readonly came: Map<number, Came>;
}

export class Leases {
  readonly #effects: LeaseEffects;
  readonly #open = new Map<string, Open>();
  /** Groups of leases that no call has asked for yet: those of a process that was killed. */
  readonly #early = new Map<string, Early>();
  readonly #done = new Set<string>();

  constructor(effects: LeaseEffects) {
    this.#effects = effects;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws CancelledError, or the error of the daemon's own sampler for a lease that a worker cannot sample. */
  async sample(lease: Lease, request: SampleRequest, signal: AbortSignal | undefined): Promise<SampledReply> {
    if (this.#open.has(lease.id)) return this.#effects.own(request, signal); // the same job is out already
    let settle: Open['settle'] = () => {};
    const outcome = new Promise<SampledReply>((resolve) => (settle = resolve));
    const { came = new Map<number, Came>() } = this.#early.get(lease.id) ?? {};
    this.#early.delete(lease.id);
    const open: Open = { lease, request, signal, came, saidAt: Date.now(), isExamined: false, settle };
    this.#open.set(lease.id, open);
    const cancel = (): void => settle(Promise.reject(new CancelledError(`lease ${lease.id} was cancelled`)));
    signal?.addEventListener('abort', cancel);
    try {
      if (came.size === lease.request.questions.length) this.#complete(open);
      else this.#handOut(open);
      return await outcome;
    } finally {
      signal?.removeEventListener('abort', cancel);
      if (this.#open.get(lease.id) === open) this.#open.delete(lease.id);
    }
  }

  /** A message of the queue of groups. @param worker whose subject it came by. */
  take(message: JsMsg, worker: string): void {
    if (this.#effects.isParked(worker)) return message.term('its worker is parked');
    let content: GroupMessage | FailureMessage;
    try {
      content = read(groupSchema.or(failureSchema), message.data, 'a group');
    } catch (error) {
      message.term('not a group');
      return this.#effects.park(worker, (error as Error).message);
    }
    const open = this.#open.get(content.lease);
    if ('failure' in content) {
      message.ack();
      if (open) this.#sampleHere(open, `a worker cannot sample a job: ${content.failure}`);
    } else if (open && content.index >= open.lease.request.questions.length) {
      message.term('no such question');
      this.#effects.park(worker, `it sent group ${content.index} of a job of ${open.lease.request.questions.length}`);
    } else if (open) this.#add(open, { worker, group: content, message });
    else if (this.#done.has(content.lease)) message.ack();
    else this.#keepEarly({ worker, group: content, message });
  }

  #add(open: Open, came: Came): void {
    open.saidAt = Date.now();
    tellProgress(open.signal);
    const { index } = came.group;
    const before = open.came.get(index)?.message;
    if (before && before.seq !== came.message.seq) before.ack(); // the same group, sent twice
    open.came.set(index, came);
    this.#complete(open);
  }

  #keepEarly(came: Came): void {
    const { lease, index } = came.group;
    const early = this.#early.get(lease) ?? { at: Date.now(), came: new Map<number, Came>() };
    early.came.set(index, came);
    this.#early.set(lease, early);
    for (const [id, { at, came: old }] of this.#early) {
      if (this.#early.size <= REMEMBERED && Date.now() - at < EARLY_MILLISECONDS) return;
      for (const { message } of old.values()) message.ack();
      this.#early.delete(id);
    }
  }

  #handOut(open: Open): void {
    open.saidAt = Date.now();
    this.#effects.publish(open.lease).catch(({ message }: Error) => {
      if (this.#open.get(open.lease.id) === open) this.#sampleHere(open, `a job cannot be handed out: ${message}`);
    });
  }

  /** A worker may be wrong about a lease that it cannot sample; the daemon's own sampler is not. */
  #sampleHere(open: Open, why?: string): void {
    const { lease, request, signal } = open;
    if (why !== undefined) this.#effects.note(`${why}; it is sampled here`);
    this.#open.delete(lease.id);
    open.settle(this.#effects.own(request, signal));
  }

  #complete(open: Open): void {
    const all = open.lease.request.questions.map((_, i) => open.came.get(i));
    if (open.isExamined || all.some((each) => each === undefined)) return;
    open.isExamined = true;
    this.#examine(open, all as Came[]).catch((error: Error) => open.settle(Promise.reject(error)));
  }

  async #examine(open: Open, all: readonly Came[]): Promise<void> {
    const groups = all.map(({ group }) => group.samples as readonly Sample[]);
    const wrong =
      all
        .filter(({ group }) => group.weights !== open.lease.weights.sha)
        .map(({ worker }) => ({ worker, why: 'it sampled with other weights than it was told to' }))[0] ??
      (await this.#effects.examine({ request: open.request, groups, workers: all.map(({ worker }) => worker) }));
    if (wrong) return this.#reject(open, wrong.worker, wrong.why);
    for (const { worker } of all) this.#effects.gave(worker, 1);
    const stored = (): void => {
      try {
        for (const { message } of open.came.values()) message.ack();
      } catch {
        // The connection is closed: a group that comes again is known.
      }
    };
    this.#done.add(open.lease.id);
    for (const id of this.#done) if (this.#done.size > REMEMBERED) this.#done.delete(id);
    open.settle(Promise.resolve({ ...totalsOf(all), groups: storable(groups), stored }));
  }

  /** Takes nothing more of the worker, and hands out again what it had. */
  #reject(open: Open, worker: string, why: string): void {
    this.#effects.park(worker, why);
    for (const [index, { worker: from, message }] of open.came) {
      if (from !== worker) continue;
      message.ack();
      open.came.delete(index);
    }
    open.isExamined = false;
    this.again(open.lease.id);
  }

  /** Hands a lease out again, under the same id. */
  again(id: string): void {
    const open = this.#open.get(id);
    if (open) this.#handOut(open);
  }

  /** Workers have these in hand. */
  held(ids: Iterable<string>): void {
    let any = false;
    for (const id of ids) {
      const open = this.#open.get(id);
      if (open) open.saidAt = Date.now();
      any ||= open !== undefined;
    }
    // Those in the queue wait for those in hand.
    if (any) for (const { signal } of this.#open.values()) tellProgress(signal);
  }

  /** Ids of leases of which nothing was heard for `seconds`. */
  silent(seconds: number): readonly string[] {
    return [...this.#open.values()]
      .filter(({ saidAt }) => Date.now() - saidAt > 1_000 * seconds)
      .map(({ lease }) => lease.id);
  }

  /** The daemon's own sampler does what is handed out. */
  takeBack(): void {
    for (const open of this.#open.values()) this.#sampleHere(open);
  }
}

function totalsOf(all: readonly Came[]): Omit<SampledReply, 'groups'> {
  const { promptTokens, newTokens, seconds, scaledPictures } = all[0]!.group.totals;
  return { promptTokens, newTokens, seconds, ...(scaledPictures !== undefined && { scaledPictures }) };
}
