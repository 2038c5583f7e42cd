/**
 * The leases that the daemon has handed out, and the groups that come back. A lease is a whole job, so that a worker
 * computes what the daemon's own sampler would, to the bit. Its id names its content: the same job asked again, by this
 * process or by the next one after a crash, has the same id, and groups that arrived in the meantime are used. A group
 * that arrives twice counts once.
 */
import type { JsMsg } from '@nats-io/jetstream';
import { tellProgress } from '../lib/progress.ts';
import { CancelledError } from '../protocol/errors.ts';
import type { Sample } from '../protocol/messages.ts';
import type { SampledReply, SampleRequest } from '../protocol/ports.ts';
import { storable, type Examined } from './examine.ts';
import { failureSchema, groupSchema, read, type FailureMessage, type GroupMessage, type Lease } from './wire.ts';

/** A group, with the message that is acknowledged once the store has the group. */
interface Received {
  readonly worker: string;
  readonly group: GroupMessage;
  readonly message: JsMsg;
}

interface Open {
  readonly lease: Lease;
  readonly request: SampleRequest;
  readonly signal: AbortSignal | undefined;
  /** By the question's place. */
  readonly received: Map<number, Received>;
  /** Milliseconds of `performance.now`: when it was last handed out, or a worker last held it. */
  heldAt: number;
  isExamined: boolean;
  readonly settle: (outcome: Promise<SampledReply>) => void;
}

export interface LeaseEffects {
  /** The daemon's own sampler. */
  readonly own: (request: SampleRequest, signal?: AbortSignal) => Promise<SampledReply>;
  /** Puts the lease into the queue. */
  readonly publish: (lease: Lease) => Promise<void>;
  readonly isParked: (worker: string) => boolean;
  /** What is wrong with a whole lease, as a sentence, and by which worker; undefined when the lease is sound. */
  readonly examine: (given: Examined) => Promise<{ readonly worker: string; readonly why: string } | undefined>;
  readonly park: (worker: string, why: string) => void;
  readonly countGroups: (worker: string, groups: number) => void;
  readonly note: (text: string) => void;
}

/** Leases that are remembered without being open: those that are done, and those that no call has asked for. */
const REMEMBERED = 1_024;
/** For this time groups of a job that an earlier process handed out are kept until the loop asks for the job. */
const EARLY_MILLISECONDS = 600_000;

interface Early {
  readonly at: number;
  readonly received: Map<number, Received>;
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
    const { received = new Map<number, Received>() } = this.#early.get(lease.id) ?? {};
    this.#early.delete(lease.id);
    const open: Open = { lease, request, signal, received, heldAt: performance.now(), isExamined: false, settle };
    this.#open.set(lease.id, open);
    const cancel = (): void => settle(Promise.reject(new CancelledError(`lease ${lease.id} was cancelled`)));
    signal?.addEventListener('abort', cancel);
    try {
      if (received.size === lease.request.questions.length) this.#complete(open);
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

  #add(open: Open, received: Received): void {
    open.heldAt = performance.now();
    tellProgress(open.signal);
    const { index } = received.group;
    const before = open.received.get(index)?.message;
    if (before && before.seq !== received.message.seq) before.ack(); // the same group, sent twice
    open.received.set(index, received);
    this.#complete(open);
  }

  #keepEarly(received: Received): void {
    const { lease, index } = received.group;
    const early = this.#early.get(lease) ?? { at: performance.now(), received: new Map<number, Received>() };
    early.received.set(index, received);
    this.#early.set(lease, early);
    for (const [id, { at, received: old }] of this.#early) {
      if (this.#early.size <= REMEMBERED && performance.now() - at < EARLY_MILLISECONDS) return;
      for (const { message } of old.values()) message.ack();
      this.#early.delete(id);
    }
  }

  #handOut(open: Open): void {
    open.heldAt = performance.now();
    this.#effects.publish(open.lease).catch(({ message }: Error) => {
      if (this.#open.get(open.lease.id) === open) this.#sampleHere(open, `a job cannot be handed out: ${message}`);
    });
  }

  /** The daemon's own sampler decides whether a lease can be sampled: a worker may be wrong about it. */
  #sampleHere(open: Open, why?: string): void {
    const { lease, request, signal } = open;
    if (why !== undefined) this.#effects.note(`${why}; the daemon samples it itself`);
    this.#open.delete(lease.id);
    open.settle(this.#effects.own(request, signal));
  }

  #complete(open: Open): void {
    const all = open.lease.request.questions.map((_, i) => open.received.get(i));
    if (open.isExamined || all.some((each) => each === undefined)) return;
    open.isExamined = true;
    this.#examine(open, all as Received[]).catch((error: Error) => open.settle(Promise.reject(error)));
  }

  async #examine(open: Open, all: readonly Received[]): Promise<void> {
    const groups = all.map(({ group }) => group.samples as readonly Sample[]);
    const wrong =
      all
        .filter(({ group }) => group.weights !== open.lease.weights.sha)
        .map(({ worker }) => ({ worker, why: 'it sampled with other weights than it was told to' }))[0] ??
      (await this.#effects.examine({ request: open.request, groups, workers: all.map(({ worker }) => worker) }));
    if (wrong) return this.#reject(open, wrong.worker, wrong.why);
    for (const { worker } of all) this.#effects.countGroups(worker, 1);
    const stored = (): void => {
      try {
        for (const { message } of open.received.values()) message.ack();
      } catch {
        // The connection is closed. The broker delivers the groups again, and #done drops them.
      }
    };
    this.#done.add(open.lease.id);
    for (const id of this.#done) if (this.#done.size > REMEMBERED) this.#done.delete(id);
    open.settle(Promise.resolve({ ...totalsOf(all), groups: storable(groups), stored }));
  }

  /** Parks the worker, and hands out its groups again. */
  #reject(open: Open, worker: string, why: string): void {
    this.#effects.park(worker, why);
    for (const [index, { worker: from, message }] of open.received) {
      if (from !== worker) continue;
      message.ack();
      open.received.delete(index);
    }
    open.isExamined = false;
    this.again(open.lease.id);
  }

  /** Hands a lease out again, under the same id. */
  again(id: string): void {
    const open = this.#open.get(id);
    if (open) this.#handOut(open);
  }

  /** Renews the leases that workers hold. */
  held(ids: Iterable<string>): void {
    let any = false;
    for (const id of ids) {
      const open = this.#open.get(id);
      if (open) open.heldAt = performance.now();
      any ||= open !== undefined;
    }
    // The leases in the queue wait for those that workers hold, so none of them is late.
    if (any) for (const { signal } of this.#open.values()) tellProgress(signal);
  }

  /** Ids of leases that no worker has renewed for `seconds`. */
  silent(seconds: number): readonly string[] {
    return [...this.#open.values()]
      .filter(({ heldAt }) => performance.now() - heldAt > 1_000 * seconds)
      .map(({ lease }) => lease.id);
  }

  /** The daemon's own sampler does the jobs of all open leases. */
  takeBack(): void {
    for (const open of this.#open.values()) this.#sampleHere(open);
  }
}

function totalsOf(all: readonly Received[]): Omit<SampledReply, 'groups'> {
  const { promptTokens, newTokens, seconds, scaledPictures } = all[0]!.group.totals;
  return { promptTokens, newTokens, seconds, ...(scaledPictures !== undefined && { scaledPictures }) };
}
