/**
 * Checks every request before any other code handles it: whether it is meant for this server (Host, against DNS
 * rebinding), whether a page of this server sent it (Origin), and what its sender may do (token).
 */
import type { IncomingMessage } from 'node:http';
import type { Access } from '../../src/protocol/frames.ts';
import { Bucket } from './bucket.ts';
import type { Clock } from './clock.ts';
import { cookieOf, isSame, type Tokens } from './tokens.ts';

/** Wrong tokens accepted from one address: a burst, then a rate. */
const WRONG_AT_ONCE = 10;
const WRONG_PER_SECOND = 1 / 6;
/** Addresses whose wrong tokens are counted. */
const MOST_ADDRESSES = 1024;

export interface Refusal {
  readonly refused: 401 | 429;
  readonly why: string;
}

export type Decision = { readonly access: Access } | Refusal;

export interface AccessOptions {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly tokens: Tokens | null;
  readonly clock: Pick<Clock, 'now'>;
}

export class AccessControl {
  readonly #tokens: Tokens | null;
  readonly #hosts: ReadonlySet<string>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #wrong = new Map<string, Bucket>();

  constructor({ host, allowedHosts, tokens, clock }: AccessOptions) {
    this.#tokens = tokens;
    this.#clock = clock;
    this.#hosts = new Set(['localhost', '127.0.0.1', '::1', host, ...allowedHosts].map(bare));
  }

  /**
   * Checks the Host header against this server's names. An address cannot be rebound, so the socket's own address
   * passes too. @returns why the request is refused; undefined when it passes
   */
  wrongHost(request: IncomingMessage): string | undefined {
    const { host } = request.headers;
    const name = host === undefined ? undefined : hostName(host);
    if (name !== undefined && (this.#hosts.has(name) || name === bare(request.socket.localAddress ?? '')))
      return undefined;
    return `this dashboard is not known as ${JSON.stringify(name?.slice(0, 80) ?? '')}: add the name to dashboard.allowedHosts`;
  }

  /**
   * Checks that an upgrade comes from a page of this server, or from a script: a script sends its token in a header,
   * which a page cannot do. @returns why it is refused; undefined when it passes
   */
  wrongOrigin(request: IncomingMessage): string | undefined {
    const { origin, host = '' } = request.headers;
    if (origin === undefined) return bearer(request) === undefined ? 'an upgrade needs an Origin' : undefined;
    const from = parsed(origin);
    if (from && /^https?:$/.test(from.protocol) && from.host === parsed(`${from.protocol}//${host}`)?.host)
      return undefined;
    return `pages of ${JSON.stringify(origin.slice(0, 80))} may not connect`;
  }

  /** @param inAddress the token in the URL, if any. */
  decide(request: IncomingMessage, port: number, inAddress?: string): Decision {
    if (this.#tokens === null) return { access: 'control' };
    const address = request.socket.remoteAddress ?? '';
    if (this.#wrong.get(address)?.isEmpty === true)
      return { refused: 429, why: 'too many wrong tokens: wait a minute' };
    const given = inAddress ?? bearer(request);
    const cookie = cookieNamed(request, cookieName(port));
    if (given === undefined && cookie === undefined)
      return { refused: 401, why: 'a token is needed: open the address that the daemon printed' };
    for (const access of ['control', 'view'] as const) {
      const token = this.#tokens[access];
      if (given !== undefined ? isSame(given, token) : isSame(cookie!, cookieOf(token))) return { access };
    }
    this.#countWrong(address);
    return { refused: 401, why: 'the token is wrong: open the address that the daemon printed' };
  }

  /**
   * The cookie for a token that `decide` accepted. Each port has its own cookie name, because browsers share cookies
   * among ports.
   */
  cookieFor(access: Access, port: number): string {
    return `${cookieName(port)}=${cookieOf(this.#tokens![access])}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000`;
  }

  get needsToken(): boolean {
    return this.#tokens !== null;
  }

  #countWrong(address: string): void {
    const bucket = this.#wrong.get(address) ?? new Bucket(WRONG_AT_ONCE, WRONG_PER_SECOND, this.#clock);
    bucket.take();
    this.#wrong.set(address, bucket);
    if (this.#wrong.size <= MOST_ADDRESSES) return;
    for (const [other, { isFull }] of this.#wrong) if (isFull) this.#wrong.delete(other);
    if (this.#wrong.size > MOST_ADDRESSES) this.#wrong.delete(this.#wrong.keys().next().value!);
  }
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function cookieName(port: number): string {
  return `quorum-dashboard-${port}`;
}

function bearer({ headers }: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

function cookieNamed({ headers }: IncomingMessage, name: string): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1];
}

/** The host name of a Host header, without the port. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:/?#@\s]+))(?::\d{1,5})?$/i.exec(host);
  return match ? bare(match[1] ?? match[2]!) : undefined;
}

/** Removes brackets, a final dot, and the prefix of an IPv4-mapped IPv6 address. */
function bare(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/, '')
    .replace(/\.$/, '');
}
