/** Bytes of any kind over real sockets: none of them ends the server, or makes it throw. */
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../src/protocol/codec.ts';
import { realClock } from '../../dashboards/server/clock.ts';
import { Browser, openDesk, type Desk } from '../dashboards/server/support/browser.ts';

const SECONDS = 4;
/** Requests or frames in one case. */
const TOGETHER = 32;
const LIMITS = { seed: 1, numRuns: 150, plugins: [fc.interruptAfterTimeLimit(1000 * SECONDS)] };

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
const origin = fc.tuple(fc.constantFrom('http://', 'https://', 'file://', 'null', '//', ''), host).map((parts) => parts.join(''));
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
  fc.constantFrom('Sec-WebSocket-Extensions: permessage-deflate;;', 'Authorization: Bearer', 'Authorization: Bearer \u00ff', 'If-None-Match: ,"'),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='];
const head = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'CONNECT', 'OPTIONS', 'PRI', 'get'),
    path,
    version: fc.constantFrom('HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', ''),
    upgrade: fc.constantFrom([], UPGRADE),
    headers: fc.array(header, { maxLength: 6 }),
    end: fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\r\n\r\n', '\n\n', '\r\n', ''),
  })
  .map(({ method, path: at, version, upgrade, headers, end }) => `${method} ${at} ${version}\r\n${[...upgrade, ...headers].join('\r\n')}${end}`);
const noise = fc.uint8Array({ maxLength: 64 });
const request = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(head, noise).map(([text, after]) => Buffer.concat([Buffer.from(text, 'latin1'), after])) },
  { weight: 1, arbitrary: noise.map((bytes) => Buffer.from(bytes)) },
);

/** Sends, says that no more comes, and waits until the server has ended it. */
function send(to: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(to, '127.0.0.1');
    socket.on('error', () => {}).on('close', () => resolve());
    socket.resume().end(Buffer.from(bytes.toString('latin1').replaceAll('PORT', String(to)), 'latin1'));
  });
}

async function stillServes(desk: Desk): Promise<void> {
  expect(await (await desk.get('/healthz')).text()).toBe('ok\n');
  expect(desk.errors).toEqual([]);
}

test.each([
  ['without tokens', {}],
  ['with tokens', { viewToken: 'to-look-0123456789', controlToken: 'to-command-0123456789' }],
])('thousands of random and mutated requests end nothing, %s', async (_, tokens) => {
  const desk = await openDesk({ clock: realClock, maxClients: 1000, ...tokens });
  let sent = 0;
  const property = fc.asyncProperty(fc.array(request, { minLength: TOGETHER, maxLength: TOGETHER }), async (requests) => {
    await Promise.all(requests.map((bytes) => send(desk.dashboard.port, bytes)));
    sent += requests.length;
    await stillServes(desk);
  });
  await fc.assert(property, LIMITS);
  expect(sent).toBeGreaterThan(TOGETHER);
});

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
const mutated = fc.tuple(valid.map(encoded), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 })).map(([frame, changes]) => {
  for (const [at, byte] of changes) if (frame.length > 0) frame[at % frame.length] = byte;
  return frame;
});
const frame = fc.oneof({ weight: 4, arbitrary: mutated }, { weight: 1, arbitrary: noise.map((bytes) => Buffer.from(bytes)) });
/** On the wire: a masked frame with any opcode, or no frame at all. */
const wire = fc.tuple(frame, fc.integer({ min: 0, max: 255 }), fc.boolean()).map(([bytes, first, isFrame]) => {
  if (!isFrame || bytes.length > 125) return bytes;
  return Buffer.concat([Buffer.of(first, 0x80 | bytes.length, 0, 0, 0, 0), bytes]);
});

test('thousands of random and mutated frames end one socket at the most', async () => {
  const desk = await openDesk({ clock: realClock, maxClients: 1000 });
  const listener = await Browser.open(desk.dashboard);
  const greeting = encode({ type: 'hello', v: 1 });
  const one = async (isGreeted: boolean, messages: readonly Buffer[], tail: Buffer) => {
    const browser = await Browser.connect(desk.dashboard);
    if (isGreeted) browser.socket.send(greeting);
    for (const message of messages) browser.socket.send(message);
    const { _socket: socket } = browser.socket as unknown as { readonly _socket: NodeJS.WritableStream };
    socket.end(tail);
    await browser.closed;
  };
  const sitting = fc.tuple(fc.boolean(), fc.array(frame, { maxLength: 8 }), wire);
  const property = fc.asyncProperty(fc.array(sitting, { minLength: TOGETHER, maxLength: TOGETHER }), async (sittings) => {
    await Promise.all(sittings.map((sent) => one(...sent)));
    await stillServes(desk);
  });
  await fc.assert(property, LIMITS);
  expect(listener.socket.readyState).toBe(listener.socket.OPEN);
});

test('what fails inside is answered 500, told a bounded number of times, and ends nothing', async () => {
  const desk = await openDesk();
  const real = desk.daemon.status.bind(desk.daemon);
  desk.daemon.status = () => {
    throw new Error('a fault');
  };
  for (let n = 0; n < 40; n += 1) expect((await desk.get('/readyz')).status).toBe(500);
  expect(desk.errors).toHaveLength(20);
  desk.daemon.status = real;
  expect((await desk.get('/readyz')).status).toBe(200);
});
