/**
 * Connections to NATS. Credentials come from the environment, never from an address, so that no log, dump or list of
 * processes shows one.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connect,
  credsAuthenticator,
  errors,
  type NatsConnection,
  type NodeConnectionOptions,
} from '@nats-io/transport-node';
import { CancelledError, InputError } from '../protocol/errors.ts';

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

/** For a server that is not there yet. */
export interface Waiting {
  readonly signal: AbortSignal;
  /** Gets a sentence on what is waited for. */
  readonly say: (text: string) => void;
}

/**
 * Reconnects for ever once it is open. @param waiting absent: the server must be there.
 * @throws InputError when the server cannot be reached or refuses the credentials, CancelledError when the wait ends.
 */
export async function connectTo(address: string, name: string, waiting?: Waiting): Promise<NatsConnection> {
  checkAddress(address);
  const options: NodeConnectionOptions = {
    servers: serversOf(address),
    name,
    ...credentials(process.env),
    timeout: CONNECT_MILLISECONDS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_MILLISECONDS,
    pingInterval: PING_MILLISECONDS,
    maxPingOut: 2,
    ignoreClusterUpdates: true,
  };
  for (let said = ''; ;) {
    const found = await connect(options).catch((error: Error) => error);
    if (!(found instanceof Error)) return found;
    if (!waiting || found instanceof errors.AuthorizationError) throw unusable(address, found);
    if (found.message !== said) waiting.say(`waits for the NATS server at ${address}: ${found.message}`);
    said = found.message;
    await sleep(RECONNECT_MILLISECONDS, undefined, { signal: waiting.signal }).catch(() => {
      throw new CancelledError(`the wait for the NATS server at ${address} was cancelled`);
    });
  }
}

/**
 * Says when the server goes and when it comes back. Resolves when the connection is closed: with the reason, or with
 * undefined when this side closed it.
 */
export async function watchConnection(
  connection: NatsConnection,
  address: string,
  say: (text: string, isLost: boolean) => void,
): Promise<InputError | undefined> {
  const follow = async (): Promise<void> => {
    let isLost = false;
    for await (const { type } of connection.status()) {
      if (connection.isClosed() || connection.isDraining()) return;
      if (type === 'disconnect' && !isLost) say(`the connection to NATS at ${address} is lost`, true);
      if (type === 'reconnect' && isLost) say(`the connection to NATS at ${address} is back`, false);
      isLost = type === 'disconnect' || (isLost && type !== 'reconnect');
    }
  };
  void follow();
  const error = await connection.closed();
  if (!error) return undefined;
  const { credentials: file, token, user, password } = NATS_VARIABLES;
  return new InputError(
    `the NATS server at ${address} refuses this connection for good: ${error.message}; start again with credentials that are valid in ${file}, ${token}, or ${user} and ${password}`,
  );
}

function unusable(address: string, { message }: Error): InputError {
  const { credentials: file, token, user, password } = NATS_VARIABLES;
  return new InputError(
    `${address}: no NATS server can be used there: ${message}; start one with \`nats-server -js\`, or \`quorum start --cluster\`, and give its credentials in ${file}, ${token}, or ${user} and ${password}`,
  );
}

function serversOf(address: string): string[] {
  return address.split(',').map((each) => each.trim());
}

/** @throws InputError for an address that NATS does not have, or that holds a password, which the error does not show. */
export function checkAddress(address: string): void {
  const { user, password, token } = NATS_VARIABLES;
  const at = address.lastIndexOf('@');
  if (at >= 0)
    throw new InputError(
      `the address of NATS at ${address.slice(at + 1)} holds credentials: give them in ${user} and ${password}, or ${token}`,
    );
  for (const server of serversOf(address)) {
    const url = URL.canParse(server) ? new URL(server) : undefined;
    if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.hostname === '')
      throw new InputError(
        `${JSON.stringify(server)} is not an address of NATS: expected nats://HOST:4222 or tls://HOST:4222`,
      );
  }
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

/** Address of this machine on the way to the first server. @throws InputError when no route leads there. */
export async function addressTowards(nats: string): Promise<string> {
  const { hostname } = new URL(serversOf(nats)[0]!);
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
