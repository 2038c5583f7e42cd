/**
 * Connections to NATS. Credentials come from the environment, never from an address, so that no log, dump or list of
 * processes shows one.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
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

export interface Client {
  /** That the server shows. */
  readonly name: string;
  /** Prefix of the subjects by which replies come; absent: that of NATS. */
  readonly inbox?: string;
}

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
export async function connectTo(address: string, { name, inbox }: Client, waiting?: Waiting): Promise<NatsConnection> {
  checkAddress(address);
  const options: NodeConnectionOptions = {
    servers: serversOf(address),
    name,
    ...(inbox !== undefined && { inboxPrefix: inbox }),
    ...credentials(process.env, serversOf(address)),
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
    if (found.message !== said)
      waiting.say(`waits for the NATS server at ${address}: ${found.message}; ${remedyOf(found, address)}`);
    said = found.message;
    await sleep(RECONNECT_MILLISECONDS, undefined, { signal: waiting.signal }).catch(() => {
      throw new CancelledError(`the wait for the NATS server at ${address} was cancelled`);
    });
  }
}

/**
 * Says when the server goes and when it comes back. Resolves when the server forbids a subject or closes the connection
 * for good: with the reason; or when this side closed it, with undefined.
 */
export async function watchConnection(
  connection: NatsConnection,
  address: string,
  say: (text: string, isLost: boolean) => void,
): Promise<InputError | undefined> {
  const { credentials: file, token, user, password } = NATS_VARIABLES;
  const follow = async (forbidden: (error: InputError) => void): Promise<void> => {
    let isLost = false;
    for await (const status of connection.status()) {
      const { type } = status;
      if (connection.isClosed() || connection.isDraining()) return;
      if (type === 'error' && status.error instanceof errors.PermissionViolationError)
        forbidden(
          new InputError(
            `the NATS server at ${address} forbids this: ${status.error.message}; give credentials that may do it in ${file}, ${token}, or ${user} and ${password}; a worker's are for its --name`,
          ),
        );
      if (type === 'disconnect' && !isLost) say(`the connection to NATS at ${address} is lost`, true);
      if (type === 'reconnect' && isLost) say(`the connection to NATS at ${address} is back`, false);
      isLost = type === 'disconnect' || (isLost && type !== 'reconnect');
    }
  };
  const forbidden = new Promise<InputError>((resolve) => void follow(resolve));
  const error = await Promise.race([connection.closed(), forbidden]);
  if (!error || error instanceof InputError) return error ?? undefined;
  return new InputError(
    `the NATS server at ${address} refuses this connection for good: ${error.message}; start again with credentials that are valid in ${file}, ${token}, or ${user} and ${password}`,
  );
}

function unusable(address: string, error: Error): InputError {
  return new InputError(`${address}: no NATS server can be used there: ${error.message}; ${remedyOf(error, address)}`);
}

/** What to do about a connection that fails, by the words of the client and of Node's TLS. */
function remedyOf({ message }: Error, address: string): string {
  const { credentials: file, token, user, password, ca, certificate, key } = NATS_VARIABLES;
  if (/authorization|authentication/i.test(message))
    return `give its credentials in ${file}, ${token}, or ${user} and ${password}`;
  if (message.includes("does not support 'tls'"))
    return address.includes('tls:')
      ? 'it speaks plain text: give it a certificate (`tls` in its configuration), or write nats:// in place of tls://'
      : `it speaks plain text: give it a certificate (\`tls\` in its configuration), or unset ${ca}, ${certificate} and ${key}`;
  if (/certificate|issuer|altname/i.test(message))
    return `it speaks TLS: write tls://, the name or IP address that its certificate has, and give the file of its authority in ${ca}`;
  if (/timeout/i.test(message))
    return `it does not answer as a NATS server: check the port, and give ${certificate} and ${key} where it asks for a certificate`;
  if (message.includes('undefined error'))
    return 'it closes the connection at once: take `handshake_first` out of the `tls` of its configuration';
  return 'start one with `nats-server -js`, or `quorum start --cluster`';
}

function serversOf(address: string): string[] {
  return address.split(',').map((each) => each.trim());
}

function hostOf(server: string): string {
  return new URL(server).hostname.replaceAll(/^\[|\]$/g, '');
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

function credentials(environment: NodeJS.ProcessEnv, servers: readonly string[]): Partial<NodeConnectionOptions> {
  const value = (name: keyof typeof NATS_VARIABLES): string | undefined =>
    environment[NATS_VARIABLES[name]] || undefined;
  const [file, token, user, pass] = [value('credentials'), value('token'), value('user'), value('password')];
  const [caFile, certFile, keyFile] = (['ca', 'certificate', 'key'] as const).map((name) => {
    const path = value(name);
    if (path !== undefined) contentOf(name, path);
    return path;
  });
  // Without these options the client would speak in plain text to a server, or to a machine in between, that asks for it.
  const isTls = servers.some((server) => server.startsWith('tls:'));
  return {
    ...(file && { authenticator: credsAuthenticator(contentOf('credentials', file)) }),
    ...(token && { token }),
    ...(user && { user, ...(pass && { pass }) }),
    ...((isTls || (caFile ?? certFile ?? keyFile)) && {
      tls: {
        ...(caFile && { caFile }),
        ...(certFile && { certFile }),
        ...(keyFile && { keyFile }),
        ...checksOf(servers),
      },
    }),
  };
}

/** The client compares the certificate of a server that is named by its IP address with `localhost`; this repairs it. */
function checksOf(servers: readonly string[]): object {
  const hosts = servers.map(hostOf);
  return {
    checkServerIdentity(_: string, certificate: PeerCertificate): Error | undefined {
      const errors = hosts.map((host) => checkServerIdentity(host, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
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
  const host = hostOf(serversOf(nats)[0]!);
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
