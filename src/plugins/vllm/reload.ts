/** Makes a server compute with the weights in the folder that it serves, and with nothing of the weights before. */
import { z } from 'zod';
import { RefusedError, type Server } from '../servers/servers.ts';
import { SetupError } from '../servers/setup-error.ts';
import { untilIdle } from '../servers/until-idle.ts';

const NEEDS_RELOAD = 'VLLM_SERVER_DEV_MODE=1 in its environment, which lets it reload weights';

const done = z.object({ success: z.boolean() });

/**
 * @param idleSeconds how long the server may still compute requests that were cancelled
 * @throws SetupError when the server does not reload.
 */
export async function reload(server: Server, idleSeconds: number, signal: AbortSignal): Promise<void> {
  const post = (path: string, body?: unknown): Promise<unknown> =>
    server.call({ method: 'POST', path, body, schema: z.unknown() }, signal);
  const clear = async (): Promise<boolean> =>
    (await server.call({ method: 'POST', path: '/reset_prefix_cache', schema: done }, signal)).success;
  try {
    await untilIdle(server, clear, idleSeconds, signal);
    await post('/collective_rpc', { method: 'reload_weights' });
    await untilIdle(server, clear, idleSeconds, signal);
    // It holds what the weights before made of pictures. A request in hand would end the server here.
    await post('/reset_encoder_cache');
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SetupError(`${error.message}. Start the server with ${NEEDS_RELOAD}`);
  }
}
