import type { Server } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { InputError } from 'quorum';

export interface ListenOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * Until `signal` aborts, which ends connections too. @returns the address to show. @throws InputError when it cannot
 * listen there.
 */
export async function listen(server: Server, { host, port, signal }: ListenOptions): Promise<string> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host: bare, port }, resolve));
  } catch (error) {
    throw new InputError(`cannot listen at options.host ${host}, options.port ${port}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  server.removeAllListeners('error').on('error', () => {}); // errors of single connections leave the server running
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  return `http://${isIP(bare) === 6 ? `[${bare}]` : bare}:${(server.address() as AddressInfo).port}`;
}

export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}
