/**
 * Asks the actor of a plug-in about one item after the other. Each call is one item with the deadline of one call, so a
 * hanging plug-in is detected after that time, for any number of items.
 */
import { InputError } from '../src/protocol/errors.ts';
import type { Call, OfPlugin } from '../src/protocol/performer.ts';

export interface Asked<P> {
  readonly first: OfPlugin<P>;
  /** The port's live actors, read again after a failure: a restart by hand makes a new actor, which answers then. */
  readonly those: () => readonly (OfPlugin<P> | undefined)[];
  readonly stop: AbortSignal;
}

/** @returns the replies in order: fewer than there are items once the actor is parked or removed. */
export async function askEach<P, T, R>(
  { first, those, stop }: Asked<P>,
  items: readonly T[],
  callOf: (item: T, which: string) => Call<P, R>,
): Promise<readonly R[]> {
  const replies: R[] = [];
  let performer = first;
  while (replies.length < items.length) {
    const call = callOf(items[replies.length]!, `group ${replies.length + 1} of ${items.length}`);
    try {
      replies.push(await performer.perform({ ...call, signal: stop }));
    } catch (error) {
      if (stop.aborted || error instanceof InputError) throw error;
      const next = those().find((other) => other?.plugin === first.plugin);
      if (next === undefined || next === performer) return replies;
      performer = next;
    }
  }
  return replies;
}
