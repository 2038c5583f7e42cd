/** Signals that any number may wait for at once: Node takes more than ten listeners for a leak, and warns of it. */
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
