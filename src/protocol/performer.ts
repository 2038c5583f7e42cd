/**
 * How a stage of the loop uses an actor. Consumers: streams/. Implemented by `Handle` (actors/handle.ts) and `Failover`
 * (src/daemon/failover.ts).
 */
import type { ActorStatus } from './status.ts';

/** One call of a port. Each role's file has the calls of its port, so that a label and a deadline are written once. */
export interface Call<P, R> {
  /** For the status view and the timeout's message. */
  readonly doing: string;
  /** Seconds without progress; for a port that reports no progress, seconds for the whole call. */
  readonly seconds: number;
  readonly run: (port: P, signal: AbortSignal) => Promise<R>;
}

/** A call as an actor performs it. */
export interface Item<P, R> extends Call<P, R> {
  readonly signal: AbortSignal;
  /** A failed item is lost; the actor is still restarted. */
  readonly once?: boolean;
  /** Called with each failure; true blames the item, not the actor, and ends its retries. */
  readonly blames?: (error: Error) => boolean;
}

export interface Performer<P> {
  readonly id: string;
  /**
   * Runs `item.run` with the live port within `item.seconds`. When that fails the actor is restarted and the item tried
   * again.
   * @throws CancelledError when the signal aborts or the actor is removed, InputError or ItemError when the item itself
   * is bad, the last failure past the restart budget.
   */
  perform<R>(item: Item<P, R>): Promise<R>;
  /** Sets what the status shows while the actor has no item. */
  waitsFor(what: string): void;
  /** Sets the queue whose length the status shows. */
  takesFrom(queue: () => ActorStatus['queue']): void;
}

/** An actor of a plug-in; a restart by hand replaces it. */
export interface OfPlugin<P> extends Performer<P> {
  readonly plugin: string;
}
