/** Signals for any number of waiters: Node treats more than ten listeners as a leak and warns. */
import { setMaxListeners } from 'node:events';

/** @returns the same signal. */
export function shared(signal: AbortSignal): AbortSignal {
  setMaxListeners(0, signal);
  return signal;
}

export function sharedController(): AbortController {
  const controller = new AbortController();
  shared(controller.signal);
  return controller;
}
