/**
 * No request may end the daemon, so every listener, timer and subscription of the server runs in a guard: it reports
 * what the listener throws and refuses the sender.
 */
import { AsyncResource } from 'node:async_hooks';
import { Bucket } from './bucket.ts';
import type { Clock } from './clock.ts';

export type Tell = (error: unknown) => void;

/**
 * Errors that are reported: a burst, then a rate. A failing request can be repeated without end, and the log is on a
 * disk.
 */
const TOLD_AT_ONCE = 20;
const TOLD_PER_SECOND = 1 / 6;

/** @param refuse answers the sender; an error that it throws is reported too. */
export function guarded<A extends readonly unknown[]>(
  tell: Tell,
  listener: (...given: A) => unknown,
  refuse?: (...given: A) => void,
): (...given: A) => void {
  // Keep the server's async context in the listener: Node may call it from another one (it does with upgrades).
  const inside = AsyncResource.bind(listener);
  return (...given) => {
    const fail = (error: unknown) => {
      tell(error);
      try {
        refuse?.(...given);
      } catch (second) {
        tell(second);
      }
    };
    try {
      const result: unknown = inside(...given);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

export function guardedClock(clock: Clock, tell: Tell): Clock {
  return {
    now: () => clock.now(),
    fine: () => clock.fine(),
    after: (milliseconds, work) => clock.after(milliseconds, guarded(tell, work)),
  };
}

/** Reports errors up to the rate limit and drops the rest. */
export function sparing(tell: Tell, clock: Pick<Clock, 'now'>): Tell {
  const bucket = new Bucket(TOLD_AT_ONCE, TOLD_PER_SECOND, clock);
  return (error) => {
    if (bucket.take()) tell(error);
  };
}
