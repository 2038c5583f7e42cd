/** Ctrl-C for commands that work in this process: the first one stops cleanly, a later one ends the process. */

import { sharedController } from '../lib/shared-signal.ts';
import { EXIT } from './errors.ts';

/** Signals within this time are one Ctrl-C, because a terminal and npm may each deliver it. */
const SAME_MILLISECONDS = 1_000;

/** @returns a signal that aborts at the first SIGINT or SIGTERM. @param announce tells the user what happens then. */
export function onInterrupt(announce: () => void): AbortSignal {
  return listen(announce).signal;
}

/** The same while `work` runs; afterwards it removes its handlers. */
export async function interruptible<T>(announce: () => void, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, forget } = listen(announce);
  try {
    return await work(signal);
  } finally {
    forget();
  }
}

function listen(announce: () => void): { readonly signal: AbortSignal; readonly forget: () => void } {
  const controller = sharedController();
  let first: number | undefined;
  const handle = (): void => {
    if (first === undefined) {
      first = Date.now();
      announce();
      controller.abort();
    } else if (Date.now() - first > SAME_MILLISECONDS) process.exit(EXIT.interrupted);
  };
  process.on('SIGINT', handle).on('SIGTERM', handle);
  return { signal: controller.signal, forget: () => process.off('SIGINT', handle).off('SIGTERM', handle) };
}
