/**
 * How a stage of the loop uses an actor. Consumers: streams/. Implemented by `Handle` (actors/handle.ts) and `Failover`
 * (src/daemon/failover.ts).
 */
import type { ActorStatus } from './status.ts';

/** One call of a port. Each role's file has the calls of its port, so that a label and a deadline are written once. */
export interface Call<P, R> {
  /** In words, for the status view and the timeout's message. */
  readonly doing: string;
  /** Without progress; of the whole where the port tells none. */
  readonly seconds: number;
  readonly run: (port: P, signal: AbortSignal) => Promise<R>;
}

/** A call as an actor performs it. */
export interface Item<P, R> extends Call<P, R> {
  readonly signal: AbortSignal;
  /** The item is lost when it fails: the actor is restarted all the same. */
  readonly once?: boolean;
  /** Told of each failure; true where the item is to blame, not the actor: the item is then tried no more. */
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
  /** Says what the actor waits for while it has no item. */
  waitsFor(what: string): void;
  /** Says where its next items wait, for the status. */
  takesFrom(queue: () => ActorStatus['queue']): void;
}

/** An actor of a plug-in. After a restart by hand another has its place. */
export interface OfPlugin<P> extends Performer<P> {
  readonly plugin: string;
}
