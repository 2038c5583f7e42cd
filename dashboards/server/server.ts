/**
 * The dashboard's server: it serves pages, pictures, downloads, metrics and probes over HTTP, and the live view over
 * one WebSocket per page.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { InputError } from '../../src/protocol/errors.ts';
import { AccessControl, type Refusal } from './access.ts';
import { realClock, type Clock } from './clock.ts';
import { Flight } from './flight.ts';
import { guarded, guardedClock, sparing, type Tell } from './guard.ts';
import { Hub } from './hub.ts';
import { openMetrics } from './metrics.ts';
import { PictureCache } from './picture-cache.ts';
import { FAILED, harden, sendText } from './responses.ts';
import { answerProbe, answerRequest, type Site } from './routes.ts';
import type { DashboardSource } from './source.ts';
import { tokensOf, type Tokens } from './tokens.ts';
import { Turns } from './turns.ts';
import { acceptSockets, turnAway } from './upgrade.ts';
import { Visitors } from './visitors.ts';

const HEADER_BYTES = 8192;
const REQUEST_MILLISECONDS = 10_000;
/** Interval at which Node looks for requests that take longer. */
const CHECK_MILLISECONDS = 2_000;
/** A connection without traffic in either direction for this long is ended. */
const STILL_MILLISECONDS = 30_000;
/** Connections that speak HTTP, in addition to two for each page. */
const VISITORS = 64;
/** Main-thread milliseconds a second for HTTP. */
const TURNS_PER_SECOND = 30;
/** Main-thread milliseconds that a request costs after its synchronous part. */
const REQUEST_COST = 0.2;
const GOING_AWAY = 1001;
/** HTTP status for a request that Node cannot parse, by its error code. */
const STATUS_OF: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

export interface DashboardOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly host: string;
  readonly viewToken?: string | undefined;
  readonly controlToken?: string | undefined;
  readonly allowedHosts: readonly string[];
  readonly maxClients: number;
  /** Folder that keeps generated tokens. */
  readonly runFolder: string;
  /** Folder with the pages that Vite built. */
  readonly clientFolder: string;
  /** Called for every internal failure; must not throw. */
  readonly onError: (error: unknown) => void;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** Time without traffic after which a connection is ended; default 30 seconds. */
  readonly stillMilliseconds?: number;
}

export interface Dashboard {
  readonly port: number;
  /** Without a token; may be logged. */
  readonly url: string;
  /** Addresses that contain the tokens; null where no token is needed. For a terminal, never for a log. */
  readonly links: Tokens | null;
  /** Closes every page with a reason; resolves when every connection has ended. */
  close(): Promise<void>;
}

/** @throws InputError that names `dashboard.port` or `dashboard.host` when it cannot listen there. */
export async function startDashboard(source: DashboardSource, options: DashboardOptions): Promise<Dashboard> {
  const { clock = realClock, environment = process.env } = options;
  const tell = sparing(options.onError, clock);
  const tokens = tokensOf({ ...options, environment });
  const access = new AccessControl({ ...options, tokens, clock });
  const flight = new Flight();
  const hub = new Hub(source, guardedClock(clock, tell), tell, flight);
  const metrics = openMetrics(
    () => source.status(),
    () => hub.statistics,
  );
  const { clientFolder, maxClients, stillMilliseconds = STILL_MILLISECONDS } = options;
  const site: Site = {
    source,
    pictures: new PictureCache(source),
    metrics,
    clientFolder,
    downloads: new Set(),
    flight,
    clock,
  };
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: REQUEST_MILLISECONDS,
    requestTimeout: REQUEST_MILLISECONDS,
    connectionsCheckingInterval: CHECK_MILLISECONDS,
  });
  server.setTimeout(stillMilliseconds);
  const visitors = new Visitors({ ofOneAddress: maxClients + VISITORS, ofAll: 2 * maxClients + VISITORS });
  const port = () => (server.address() as AddressInfo).port;
  const turns = new Turns(TURNS_PER_SECOND, guardedClock(clock, tell));
  answerHttp(server, { access, site, visitors, turns, port, tell });
  const sockets = acceptSockets(server, { access, hub, visitors, port, maxClients, tell });
  try {
    await listen(server, options, tell);
  } catch (error) {
    metrics.close();
    throw error;
  }
  const url = `http://${shownHost(options.host)}:${port()}/`;
  const links = tokens && { view: `${url}?token=${tokens.view}`, control: `${url}?token=${tokens.control}` };
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    metrics.close();
    hub.close(GOING_AWAY, 'the daemon stops');
    sockets.close();
    server.closeAllConnections();
    await closed;
  };
  return { port: port(), url, links, close };
}

interface Door {
  readonly access: AccessControl;
  readonly site: Site;
  readonly visitors: Visitors;
  readonly turns: Turns;
  readonly port: () => number;
  readonly tell: Tell;
}

function answerHttp(server: Server, door: Door): void {
  server.on(
    'connection',
    guarded(
      door.tell,
      (socket: Socket) => door.visitors.admit(socket),
      (socket) => socket.destroy(),
    ),
  );
  const request = async (asked: IncomingMessage, response: ServerResponse) => {
    if (await door.visitors.turn(asked, response))
      door.turns.take(() => void serve(asked, response, door), REQUEST_COST);
  };
  server.on(
    'request',
    guarded(door.tell, request, (_, response) => response.destroy()),
  );
  const malformed = (error: NodeJS.ErrnoException, socket: Duplex) => {
    const status = STATUS_OF[error.code ?? ''] ?? 400;
    turnAway(socket, status, `this is no request that the dashboard can read (${error.code ?? error.message})`);
  };
  server.on(
    'clientError',
    guarded(door.tell, malformed, (_, socket) => socket.destroy()),
  );
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { access, site, port, tell }: Door,
): Promise<void> {
  harden(response);
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD');
      return sendText(response, 405, 'only GET and HEAD');
    }
    const [path, query] = splitUrl(request);
    if (answerProbe(path, site.source, response)) return;
    const wrongHost = access.wrongHost(request);
    if (wrongHost !== undefined) return sendText(response, 403, wrongHost);
    if (isForeign(request, path)) return sendText(response, 403, 'other sites may not ask for this');
    const token = path === '/' ? (query.get('token') ?? undefined) : undefined;
    const decision = access.decide(request, port(), token);
    if ('refused' in decision) return refuse(response, decision);
    if (token !== undefined)
      return leaveToken(response, access.needsToken ? access.cookieFor(decision.access, port()) : undefined);
    await answerRequest(path, request, response, site);
  } catch (error) {
    if (!response.destroyed) tell(error);
    if (response.headersSent) response.destroy();
    else sendText(response, 500, FAILED);
  }
}

/** Redirects, so that the address bar no longer shows the token. */
function leaveToken(response: ServerResponse, cookie: string | undefined): void {
  if (cookie !== undefined) response.setHeader('Set-Cookie', cookie);
  response.writeHead(303, { Location: '/', 'Cache-Control': 'no-store' }).end();
}

function refuse(response: ServerResponse, { refused, why }: Refusal): void {
  if (refused === 401) response.setHeader('WWW-Authenticate', 'Bearer');
  sendText(response, refused, why);
}

/** Another site may link to the first page, but must not fetch from here in the background. */
function isForeign({ headers }: IncomingMessage, path: string): boolean {
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  return !isOwn && !(path === '/' && headers['sec-fetch-mode'] === 'navigate');
}

function splitUrl({ url = '/' }: IncomingMessage): [path: string, query: URLSearchParams] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, new URLSearchParams()] : [url.slice(0, mark), new URLSearchParams(url.slice(mark + 1))];
}

/** @throws InputError that names the setting if a dashboard cannot listen there. */
export async function tryPort(at: Pick<DashboardOptions, 'host' | 'port'>): Promise<void> {
  const server = createServer();
  await listen(server, at, () => {});
  await new Promise((resolve) => server.close(resolve));
}

async function listen(
  server: Server,
  { host, port }: Pick<DashboardOptions, 'host' | 'port'>,
  tell: Tell,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, resolve),
    );
  } catch (error) {
    throw explained(error as NodeJS.ErrnoException, host, port);
  }
  server.removeAllListeners('error').on('error', tell); // errors of single connections; the server keeps running
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const fixes: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is in use: set dashboard.port to another one (0 picks a free one, null is no dashboard)`,
    EACCES: `port ${port} may not be opened by this user: set dashboard.port to one above 1023 (0 picks a free one)`,
    EADDRNOTAVAIL: `${host} is not an address of this machine: set dashboard.host`,
    ENOTFOUND: `${host} is not an address of this machine: set dashboard.host`,
  };
  const fix = fixes[error.code ?? ''];
  return fix === undefined ? error : new InputError(`the dashboard cannot listen: ${fix}`, { cause: error });
}

/** A host name that a browser on this machine can open. */
function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
