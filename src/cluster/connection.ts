/**
 * Connections to NATS. Credentials come from the environment, never from an address, so that no log, dump or list of
 * processes shows one.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { InputError } from '../protocol/errors.ts';

/** Names of the environment variables. */
export const NATS_VARIABLES = {
  credentials: 'QUORUM_NATS_CREDENTIALS',
  token: 'QUORUM_NATS_TOKEN',
  user: 'QUORUM_NATS_USER',
  password: 'QUORUM_NATS_PASSWORD',
  ca: 'QUORUM_NATS_CA',
  certificate: 'QUORUM_NATS_CERTIFICATE',
  key: 'QUORUM_NATS_KEY',
} as const;

const CONNECT_MILLISECONDS = 5_000;
const RECONNECT_MILLISECONDS = 500;
const PING_MILLISECONDS = 5_000;

/**
 * Reconnects for ever once it is open. @param waits whether it waits for a server that is not up yet.
 * @throws InputError when the server cannot be reached or refuses the credentials.
 */
export async function connectTo(address: string, name: string, waits = false): Promise<NatsConnection> {
  const servers = address.split(',').map((each) => each.trim());
  for (const server of servers) checkAddress(server);
  try {
    return await connect({
      servers,
      name,
      ...credentials(process.env),
      timeout: CONNECT_MILLISECONDS,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MILLISECONDS,
      pingInterval: PING_MILLISECONDS,
      maxPingOut: 2,
      waitOnFirstConnect: waits,
      ignoreClusterUpdates: true,
    });
  } catch (error) {
    throw new InputError(
      `${address}: no NATS server can be used there: ${(error as Error).message}; start one with \`nats-server -js\`, or \`quorum start --cluster\`, and give its credentials in ${NATS_VARIABLES.credentials}, ${NATS_VARIABLES.token}, or ${NATS_VARIABLES.user} and ${NATS_VARIABLES.password}`,
    );
  }
}

/** @throws InputError for an address of another form, or with a password. */
export function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === '')
    throw new InputError(
      `${JSON.stringify(address)} is not an address of NATS: expected nats://HOST:4222 or tls://HOST:4222`,
    );
  if (url.username !== '' || url.password !== '')
    throw new InputError(
      `the address of NATS at ${url.host} holds credentials: give them in ${NATS_VARIABLES.user} and ${NATS_VARIABLES.password}, or ${NATS_VARIABLES.token}`,
    );
}

function credentials(environment: NodeJS.ProcessEnv): Partial<NodeConnectionOptions> {
  const value = (name: keyof typeof NATS_VARIABLES): string | undefined =>
    environment[NATS_VARIABLES[name]] || undefined;
  const [file, token, user, pass] = [value('credentials'), value('token'), value('user'), value('password')];
  const [caFile, certFile, keyFile] = [value('ca'), value('certificate'), value('key')];
  return {
    ...(file && { authenticator: credsAuthenticator(contentOf('credentials', file)) }),
    ...(token && { token }),
    ...(user && { user, ...(pass && { pass }) }),
    ...((caFile ?? certFile ?? keyFile) && {
      tls: { ...(caFile && { caFile }), ...(certFile && { certFile }), ...(keyFile && { keyFile }) },
    }),
  };
}

function contentOf(name: keyof typeof NATS_VARIABLES, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError(`${NATS_VARIABLES[name]} names ${file}, which cannot be read: ${(error as Error).message}`);
  }
}

/** Address of this machine on the way to the first server. @throws InputError when there is none. */
export async function addressTowards(nats: string): Promise<string> {
  const { hostname } = new URL(nats.split(',')[0]!.trim());
  const host = hostname.replaceAll(/^\[|\]$/g, '');
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(9, host, resolve); // sends nothing
    });
    return socket.address().address;
  } catch (error) {
    throw new InputError(`${host}: no route from this machine: ${(error as Error).message}; set \`cluster.host\``);
  } finally {
    socket.close();
  }
}
