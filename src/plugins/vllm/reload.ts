/** Makes a server compute with the weights in the folder that it serves, and with nothing of the weights before. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PassingError, RefusedError, type Server } from './servers.ts';
import { SetupError } from './setup-error.ts';

const NEEDS_RELOAD = 'VLLM_SERVER_DEV_MODE=1 in its environment, which lets it reload weights';
const [SHORTEST_WAIT, LONGEST_WAIT] = [20, 1_000];

const done = z.object({ success: z.boolean() });

/**
 * @param idleSeconds how long the server may still compute requests that were cancelled
 * @throws SetupError when the server does not reload.
 */
export async function reload(server: Server, idleSeconds: number, signal: AbortSignal): Promise<void> {
  const post = (path: string, body?: unknown): Promise<unknown> =>
    server.call({ method: 'POST', path, body, schema: z.unknown() }, signal);
  try {
    await clearPrefixes(server, idleSeconds, signal);
    await post('/collective_rpc', { method: 'reload_weights' });
    await clearPrefixes(server, idleSeconds, signal);
    // It holds what the weights before made of pictures. A request in hand would end the server here.
    await post('/reset_encoder_cache');
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SetupError(`${error.message}. Start the server with ${NEEDS_RELOAD}`);
  }
}

/** Waits until the server has no request in hand, which it says by clearing its cache of prompts. */
async function clearPrefixes(server: Server, idleSeconds: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + 1_000 * idleSeconds;
  for (let wait = SHORTEST_WAIT; ; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    const { success } = await server.call({ method: 'POST', path: '/reset_prefix_cache', schema: done }, signal);
    if (success) return;
    if (performance.now() > end)
      throw new PassingError(
        `${server.name} still computes requests after ${idleSeconds} s, and cannot reload weights meanwhile`,
      );
    await sleep(wait, undefined, { signal });
  }
}
