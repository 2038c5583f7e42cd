/** Answers HTTP requests by path, after access control. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { InputError } from '../../src/protocol/errors.ts';
import type { Phase } from '../../src/protocol/status.ts';
import { sendClientFile } from './client-files.ts';
import type { Clock } from './clock.ts';
import type { Flight } from './flight.ts';
import type { Metrics } from './metrics.ts';
import type { PictureCache } from './picture-cache.ts';
import { sendBytes, sendText } from './responses.ts';
import type { DashboardSource } from './source.ts';
import { sendTar } from './version-tar.ts';

const READY: readonly Phase[] = ['baseline', 'running', 'paused'];
const MOST_DOWNLOADS = 2;
/** A download slower than this many bytes per PACE_MILLISECONDS is ended, because it occupies one of few places. */
const LEAST_BYTES = 2 ** 20;
const PACE_MILLISECONDS = 30_000;

export interface Site {
  readonly source: DashboardSource;
  readonly pictures: PictureCache;
  readonly metrics: Metrics;
  readonly clientFolder: string;
  /** Downloads in progress. */
  readonly downloads: Set<ServerResponse>;
  readonly flight: Flight;
  readonly clock: Clock;
}

/** Answers probes, which carry no token, and tells no more than yes or no. @returns false for other paths. */
export function answerProbe(path: string, source: Pick<DashboardSource, 'status'>, response: ServerResponse): boolean {
  if (path === '/healthz') sendText(response, 200, 'ok');
  else if (path === '/readyz') {
    const { phase } = source.status();
    const isReady = READY.includes(phase);
    sendText(response, isReady ? 200 : 503, isReady ? 'ok' : `not ready: ${phase}`);
  } else return false;
  return true;
}

export async function answerRequest(
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
  site: Site,
): Promise<void> {
  const picture = /^\/pictures\/([^/]+)\/(\d{1,4})\.png$/.exec(path);
  if (picture) return sendPicture(picture[1]!, Number(picture[2]), response, site);
  const version = /^\/versions\/(\d{1,9})\.tar$/.exec(path);
  if (version) return sendVersion(Number(version[1]), request, response, site);
  if (path === '/metrics') {
    const page = await site.metrics.scrape();
    response.writeHead(200, { 'Content-Type': site.metrics.contentType, 'Cache-Control': 'no-store' }).end(page);
  } else if (!(await sendClientFile(site.clientFolder, path, response, site.flight)))
    sendText(response, 404, 'there is nothing here');
}

async function sendPicture(
  encodedId: string,
  index: number,
  response: ServerResponse,
  { pictures, flight }: Site,
): Promise<void> {
  try {
    const { bytes, etag } = await pictures.png(decoded(encodedId), index);
    sendBytes(response, bytes, { type: 'image/png', cache: 'private, no-cache', etag }, flight);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    sendText(response, 404, error.message);
  }
}

async function sendVersion(
  n: number,
  request: IncomingMessage,
  response: ServerResponse,
  { source, downloads, clock }: Site,
): Promise<void> {
  const folder = source.versionFolder(n);
  if (folder === null) {
    const saved = [...source.savedVersions()].toSorted((a, b) => a - b);
    return sendText(
      response,
      404,
      `version ${n} is not on disk; ${saved.length > 0 ? `saved are ${saved.join(', ')}` : 'none is saved yet'}`,
    );
  }
  const name = `quorum-v${n}`;
  const headers = {
    'Content-Type': 'application/x-tar',
    'Content-Disposition': `attachment; filename="${name}.tar"`,
    'Cache-Control': 'no-store',
  };
  if (request.method === 'HEAD') {
    response.writeHead(200, headers).end();
    return;
  }
  if (downloads.size >= MOST_DOWNLOADS)
    return sendText(response, 503, `${MOST_DOWNLOADS} downloads run already: try again when one has ended`);
  downloads.add(response);
  const callOff = endIfSlow(response, clock);
  try {
    await sendTar(folder, name, response, () => response.writeHead(200, headers));
  } finally {
    callOff();
    downloads.delete(response);
  }
}

/** Ends the response when its reader is too slow. @returns a function that cancels this. */
function endIfSlow(response: ServerResponse, clock: Clock): () => void {
  let sent = 0;
  const check = () => {
    const now = response.socket?.bytesWritten ?? 0;
    if (now - sent < LEAST_BYTES) return void response.destroy();
    sent = now;
    callOff = clock.after(PACE_MILLISECONDS, check);
  };
  let callOff = clock.after(PACE_MILLISECONDS, check);
  return () => callOff();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InputError('the question is not written as a URL asks for');
  }
}
