/** Sends answers with headers that confine a page to its own server. */
import type { ServerResponse } from 'node:http';
import type { Flight } from './flight.ts';

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export const FAILED = 'this failed inside the daemon; its log says how';

export function harden(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

export function sendText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' })
    .end(`${text}\n`);
}

/** Answers 304 to a browser that already has the content with this ETag. */
export function sendBytes(
  response: ServerResponse,
  bytes: Uint8Array,
  { type, cache, etag }: { readonly type: string; readonly cache: string; readonly etag: string },
  flight: Flight,
): void {
  const headers = { 'Content-Type': type, 'Cache-Control': cache, ETag: etag };
  const known = response.req.headers['if-none-match']?.split(',').map((one) => one.trim());
  if (known?.includes(etag) === true) {
    response.writeHead(304, headers).end();
    return;
  }
  response.once(
    'close',
    flight.carry(bytes, () => response.destroy()),
  );
  response.writeHead(200, { ...headers, 'Content-Length': bytes.length }).end(bytes);
}
