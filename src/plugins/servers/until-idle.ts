import { setTimeout as sleep } from 'node:timers/promises';
import { PassingError, type Server } from './servers.ts';

const [SHORTEST_WAIT, LONGEST_WAIT] = [20, 1_000];

/**
 * Waits until the server has no request in hand, which it says by clearing its cache of prompts.
 * @param clear whether the server did
 * @param idleSeconds how long it may still compute requests that were cancelled
 */
export async function untilIdle(
  server: Server,
  clear: () => Promise<boolean>,
  idleSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + 1_000 * idleSeconds;
  for (let wait = SHORTEST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    if (await clear()) return;
    if (performance.now() > end)
      throw new PassingError(
        `${server.name} still computes requests after ${idleSeconds} s, and cannot reload weights meanwhile`,
      );
    await sleep(wait, undefined, { signal });
  }
}
