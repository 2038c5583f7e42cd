/** Requests and frames of any bytes, and a socket that sends them. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { encode } from '../../src/protocol/codec.ts';

const name = fc.constantFrom(
  'localhost',
  '127.0.0.1',
  '[::1]',
  '[::1',
  '[',
  'localhost.',
  '%',
  '',
  '\u00e9',
  'xn--',
  'a@b',
  'http://localhost',
  '0x7f.1',
);
const port = fc.oneof(fc.constantFrom('', ':', ':0', ':80', ':65536', ':99999', ':-1', ':x', ':PORT'));
const host = fc.tuple(name, port).map((parts) => parts.join(''));
const origin = fc
  .tuple(fc.constantFrom('http://', 'https://', 'file://', 'null', '//', ''), host)
  .map((parts) => parts.join(''));
const path = fc.oneof(
  fc.constantFrom(
    '/ws',
    '/ws?',
    '/',
    '/?token=',
    '/metrics',
    '/healthz',
    '/readyz',
    '*',
    'http://[/ws',
    '//',
    '/pictures/%/0.png',
    '/versions/9.tar',
  ),
  fc.string({ unit: 'binary', maxLength: 24 }).map((text) => `/${text}`),
);
const header = fc.oneof(
  host.map((value) => `Host: ${value}`),
  origin.map((value) => `Origin: ${value}`),
  fc.constantFrom(
    'Connection: Upgrade',
    'Connection: close',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    'Upgrade: h2c',
    'Expect: 100-continue',
  ),
  fc.constantFrom(
    'Expect: x',
    'Transfer-Encoding: chunked',
    'Content-Length: 5',
    'Content-Length: -1',
    'Sec-Fetch-Site: cross-site',
    'Cookie: ;=;',
    'Cookie: =',
  ),
  fc.constantFrom(
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Version: 8',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol: ,,',
  ),
  fc.constantFrom(
    'Sec-WebSocket-Extensions: permessage-deflate;;',
    'Authorization: Bearer',
    'Authorization: Bearer \u00ff',
    'If-None-Match: ,"',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const headOf = (
  method: fc.Arbitrary<string>,
  version: fc.Arbitrary<string>,
  upgrade: fc.Arbitrary<readonly string[]>,
) =>
  fc
    .record({
      method,
      path,
      version,
      upgrade,
      headers: fc.array(header, { maxLength: 6 }),
      end: fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\r\n\r\n', '\n\n', '\r\n', ''),
    })
    .map(({ method: verb, path: at, version: spoken, upgrade: first, headers, end }) => {
      return `${verb} ${at} ${spoken}\r\n${[...first, ...headers].join('\r\n')}${end}`;
    });
const anyHead = headOf(
  fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'CONNECT', 'OPTIONS', 'PRI', 'get'),
  fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
  fc.constantFrom([], UPGRADE),
);
const noise = fc.uint8Array({ maxLength: 64 });
const withNoise = (head: fc.Arbitrary<string>) =>
  fc.tuple(head, noise).map(([text, after]) => Buffer.concat([Buffer.from(text, 'latin1'), after]));
const noRequest = { weight: 1, arbitrary: noise.map((bytes) => Buffer.from(bytes)) };
export const request = fc.oneof({ weight: 8, arbitrary: withNoise(anyHead) }, noRequest);
/** One that asks for a WebSocket, or is none. */
export const upgrade = fc.oneof(
  { weight: 8, arbitrary: withNoise(headOf(fc.constant('GET'), fc.constant('HTTP/1.1'), fc.constant(UPGRADE))) },
  noRequest,
);

const valid = fc.oneof(
  fc.record({ type: fc.constant('hello'), v: fc.oneof(fc.constant(1), fc.anything()) }),
  fc.record({
    type: fc.constantFrom('request', 'command', 'hello'),
    id: fc.anything(),
    method: fc.anything(),
    params: fc.anything(),
    command: fc.anything(),
  }),
  fc.record({
    type: fc.constant('request'),
    id: fc.nat(),
    method: fc.constantFrom('groups', 'group', 'history', 'versions', 'compare'),
    params: fc.object(),
  }),
);
const encoded = (value: unknown): Buffer => {
  try {
    return Buffer.from(encode(value));
  } catch {
    return Buffer.of(0xc1);
  }
};
const mutated = fc
  .tuple(valid.map(encoded), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }))
  .map(([frame, changes]) => {
    for (const [at, byte] of changes) if (frame.length > 0) frame[at % frame.length] = byte;
    return frame;
  });
export const frame = fc.oneof(
  { weight: 4, arbitrary: mutated },
  { weight: 1, arbitrary: noise.map((bytes) => Buffer.from(bytes)) },
);
/** On the wire: a masked frame with any opcode, or no frame at all. */
export const wire = fc.tuple(frame, fc.integer({ min: 0, max: 255 }), fc.boolean()).map(([bytes, first, isFrame]) => {
  if (!isFrame || bytes.length > 125) return bytes;
  return Buffer.concat([Buffer.of(first, 0x80 | bytes.length, 0, 0, 0, 0), bytes]);
});

/** The bytes of a page that is let in, and what it says then. */
export const visit = fc.array(wire, { minLength: 1, maxLength: 6 }).map((said) => {
  const lines = ['GET /ws HTTP/1.1', 'Host: localhost:PORT', 'Origin: http://localhost:PORT', ...UPGRADE];
  const hello = encode({ type: 'hello', v: 1 });
  return Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`),
    Buffer.of(0x82, 0x80 | hello.length, 0, 0, 0, 0),
    hello,
    ...said,
  ]);
});

/** Sends, says that no more comes, and waits until the server has ended it. */
export function send(to: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(to, '127.0.0.1');
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume().end(Buffer.from(bytes.toString('latin1').replaceAll('PORT', String(to)), 'latin1'));
  });
}
