/**
 * How a stream uses an actor: `perform` runs one item with the actor's live port. When the item fails, the actor is
 * restarted by its supervisor and the same item is tried again, so nothing is lost; the item's own effects happen after
 * `perform` returns, so nothing happens twice.
 */
import { waitFor, type ActorRefFrom, type AnyStateMachine } from 'xstate';
import { onProgress } from '../src/lib/progress.ts';
import { serial } from '../src/lib/serial.ts';
import { CancelledError, InputError, ItemError } from '../src/protocol/errors.ts';
import type { ActorDetail } from '../src/protocol/frames.ts';
import type { Item, Performer } from '../src/protocol/performer.ts';
import type { ActorStatus } from '../src/protocol/status.ts';
import { withDeadline, type Timers } from '../src/lib/deadline.ts';
import { chartOf } from './detail.ts';
import type { ServiceMachine } from './service.ts';
import { FAILURES, failureOf, type Supervisor } from './supervise.ts';
import { Workload } from './workload.ts';

export class Handle<P> implements Performer<P> {
  readonly id: string;
  readonly role: string;
  readonly #supervisor: ActorRefFrom<Supervisor<P>>;
  readonly #workload: Workload;
  readonly #now: () => number;
  #gaveUpAt = 0;
  /** When the item in hand last showed progress; undefined if it has not. */
  #progressAt: number | undefined;
  /** How far the item in hand was at that time, such as `token 3 of 8`. */
  #stage: string | undefined;
  #queue: () => ActorStatus['queue'] = () => null;
  /** The actor has one item in hand; the others wait in the order of their calls. */
  readonly #turn = serial();

  readonly #optional: boolean;
  readonly #clock: Timers | undefined;

  /**
   * @param optional past its restart budget it is parked, and the loop continues. @param clock of its deadlines; default:
   * the machine's.
   */
  constructor(role: string, supervisor: ActorRefFrom<Supervisor<P>>, optional = false, clock?: Timers) {
    this.id = supervisor.id;
    this.role = role;
    this.#optional = optional;
    this.#clock = clock;
    this.#supervisor = supervisor;
    const { now } = supervisor.getSnapshot().context.input;
    this.#now = now;
    this.#workload = new Workload(now);
    supervisor.subscribe({ error: () => (this.#gaveUpAt = now()) });
  }

  /**
   * @throws CancelledError when `signal` aborts or the actor is removed, InputError or ItemError when the item itself
   * is bad (the actor is not to blame), and the last failure when the actor is past its restart budget.
   */
  perform<R>(item: Item<P, R>): Promise<R> {
    return this.#turn(() => this.#perform(item));
  }

  async #perform<R>(item: Item<P, R>): Promise<R> {
    for (let failures = 0; ; failures += 1) {
      const { child, port } = await this.#ready(item.signal);
      child.send({ type: 'BEGIN', doing: item.doing });
      this.#workload.begin();
      this.#progressAt = undefined;
      this.#stage = undefined;
      const life = this.#lifeWithin(item.signal);
      try {
        const name = `${this.id}: ${item.doing}`;
        const run = (signal: AbortSignal) => this.#run(item, port, signal);
        const result = await withDeadline(name, item.seconds, life.signal, run, this.#clock);
        this.#workload.end(true);
        if (this.isGone) return result;
        child.send({ type: 'END' });
        if (this.#supervisor.getSnapshot().context.fruitless > 0) this.#supervisor.send({ type: 'DONE' });
        return result;
      } catch (error) {
        this.#workload.end(false);
        if (this.isGone) throw new CancelledError(`${this.id} was stopped ${item.doing}`);
        if (item.signal.aborted || error instanceof InputError) {
          child.send({ type: 'END' });
          throw item.signal.aborted ? new CancelledError(`${this.id} stopped ${item.doing}`) : error;
        }
        const failure = error instanceof Error ? error : new Error(String(error));
        if (item.blames?.(failure) === true) {
          child.send({ type: 'END' });
          this.#supervisor.send({ type: 'EXCUSED', failures });
          throw new ItemError(failure.message, { cause: failure });
        }
        child.send({ type: 'FAIL', error: failure });
        if (item.once === true) throw error;
      } finally {
        life.end();
      }
    }
  }

  #run<R>(item: Item<P, R>, port: P, signal: AbortSignal): Promise<R> {
    onProgress(signal, (stage) => {
      this.#progressAt = this.#now();
      this.#stage = stage;
    });
    return item.run(port, signal);
  }

  /** Aborts with `signal`, and when the actor is stopped permanently. */
  #lifeWithin(signal: AbortSignal): { readonly signal: AbortSignal; readonly end: () => void } {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const supervision = this.#supervisor.subscribe({ complete: abort, error: abort });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    const end = () => {
      supervision.unsubscribe();
      signal.removeEventListener('abort', abort);
    };
    return { signal: controller.signal, end };
  }

  /** Whether it is past its restart budget or removed, and accepts no items. */
  get isGone(): boolean {
    return this.#supervisor.getSnapshot().status !== 'active';
  }

  /** Sets what the status shows while the actor has no item. */
  waitsFor(what: string): void {
    this.#child()?.send({ type: 'WAIT', doing: `waiting for ${what}` });
  }

  /** Sets the queue whose length the status shows. */
  takesFrom(queue: () => ActorStatus['queue']): void {
    this.#queue = queue;
  }

  /** Resolves when the port is open. @throws like `perform`. */
  async opened(seconds: number, signal: AbortSignal): Promise<void> {
    await withDeadline(`${this.id}: opening`, seconds, signal, (inner) => this.#ready(inner), this.#clock);
  }

  status(): ActorStatus {
    const { value, status, context, error } = this.#supervisor.getSnapshot();
    const base = {
      id: this.id,
      role: this.role,
      restarts: context.restarts,
      ...(context.error ? { error: context.error.message } : {}),
      ...this.#workload.read(),
      queue: this.#queue(),
    };
    const child = this.#child()?.getSnapshot();
    if (status === 'error') {
      const [state, doing] = this.#optional
        ? (['parked', 'parked until it is restarted by hand'] as const)
        : (['failed', 'gave up'] as const);
      return {
        ...base,
        state,
        doing,
        since: this.#gaveUpAt,
        error: error instanceof Error ? error.message : String(error),
      };
    }
    if (status !== 'active') return { ...base, state: 'stopped', doing: 'stopped', since: context.failedAt };
    if (value === 'waiting' || child === undefined)
      return { ...base, state: 'waiting', doing: 'restarting', since: context.failedAt };
    const { doing, since } = child.context;
    const own = { ...base, state: child.value, doing, since };
    if (child.value !== 'working' || this.#progressAt === undefined) return own;
    const stage = this.#stage === undefined ? '' : `: ${this.#stage}`;
    return { ...own, doing: doing + stage, progressAt: this.#progressAt };
  }

  /** Charts of the supervisor and of the actor, and why it failed. */
  detail(): ActorDetail {
    const snapshot = this.#supervisor.getSnapshot();
    const { status, context, error } = snapshot;
    const service = snapshot.machine.implementations.actors['child'] as AnyStateMachine;
    const charts = [chartOf(snapshot.machine, snapshot), chartOf(service, this.#child()?.getSnapshot())];
    const last = status === 'error' && error instanceof Error ? [failureOf(error, this.#gaveUpAt)] : [];
    return { id: this.id, role: this.role, charts, failures: [...last, ...context.failures].slice(0, FAILURES) };
  }

  #child(): ActorRefFrom<ServiceMachine<P>> | undefined {
    return this.#supervisor.getSnapshot().children.child;
  }

  /** Resolves with the child once it is idle, after any number of restarts. */
  async #ready(signal: AbortSignal): Promise<{ child: ActorRefFrom<ServiceMachine<P>>; port: P }> {
    for (;;) {
      if (signal.aborted) throw new CancelledError(`${this.id} stopped waiting to be ready`);
      const snapshot = await waitFor(this.#supervisor, ({ value }) => value === 'running', {
        signal,
        timeout: Infinity,
      }).catch(() => undefined);
      const child = snapshot?.children.child;
      const idle = await (child &&
        waitFor(child, ({ value }) => value === 'idle', { signal, timeout: Infinity }).catch(() => undefined));
      const port = idle?.context.port;
      if (child !== undefined && port !== undefined) return { child, port };
      const { status, error } = this.#supervisor.getSnapshot();
      if (status === 'error') throw error;
      if (status !== 'active') throw new CancelledError(`${this.id} is stopped`);
    }
  }
}
