/** Serves the built pages: a flat index and hashed assets. Only files that the folder lists are served. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import type { Flight } from './flight.ts';
import { sendBytes, sendText } from './responses.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
};
const ASSETS = '/assets/';
const NOT_BUILT =
  'The pages of the dashboard are not built: run `npm run build` where Quorum is installed, then load this again.';

/** @param path of the URL as sent: `/`, `/assets/index-B3x.js`. @returns false when there is no such file. */
export async function sendClientFile(
  folder: string,
  path: string,
  response: ServerResponse,
  flight: Flight,
): Promise<boolean> {
  const names = await namesIn(folder);
  const name = path === '/' ? 'index.html' : path.slice(1);
  if (names.has(name)) {
    const bytes = await readFile(join(folder, name));
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    const cache = path.startsWith(ASSETS) ? 'public, max-age=31536000, immutable' : 'no-cache';
    sendBytes(response, bytes, { type: TYPES[extname(name)] ?? 'application/octet-stream', cache, etag }, flight);
    return true;
  }
  if (path !== '/') return false;
  sendText(response, 503, NOT_BUILT);
  return true;
}

async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  const list = async (part: string) => {
    const entries = await readdir(join(folder, part), { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isFile()).map(({ name }) => `${part}${name}`);
  };
  return new Set([...(await list('')), ...(await list('assets/'))]);
}
