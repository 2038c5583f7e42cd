/** Bytes of any kind over real sockets: none of them ends the server, or makes it throw. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encode } from '../../src/protocol/codec.ts';
import { realClock } from '../../dashboards/server/clock.ts';
import { Browser, openDesk, type Desk } from '../dashboards/server/support/browser.ts';
import { frame, request, send, wire } from './raw-requests.ts';

const SECONDS = 4;
/** Requests or frames in one case. */
const TOGETHER = 32;
/** Time runs quickly, so that the budget of the main thread (turns.ts) holds none of them up. */
const clock = { ...realClock, now: () => 1000 * Date.now() };
const LIMITS = { seed: 1, numRuns: 150, plugins: [fc.interruptAfterTimeLimit(1000 * SECONDS)] };

async function stillServes(desk: Desk): Promise<void> {
  expect(await (await desk.get('/healthz')).text()).toBe('ok\n');
  expect(desk.errors).toEqual([]);
}

test.each([
  ['without tokens', {}],
  ['with tokens', { viewToken: 'to-look-0123456789', controlToken: 'to-command-0123456789' }],
])('thousands of random and mutated requests end nothing, %s', async (_, tokens) => {
  const desk = await openDesk({ clock, maxClients: 1000, ...tokens });
  let sent = 0;
  const property = fc.asyncProperty(
    fc.array(request, { minLength: TOGETHER, maxLength: TOGETHER }),
    async (requests) => {
      await Promise.all(requests.map((bytes) => send(desk.dashboard.port, bytes)));
      sent += requests.length;
      await stillServes(desk);
    },
  );
  await fc.assert(property, LIMITS);
  expect(sent).toBeGreaterThan(TOGETHER);
});

test('thousands of random and mutated frames end one socket at the most', async () => {
  const desk = await openDesk({ clock, maxClients: 1000 });
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
  const socketLife = fc.tuple(fc.boolean(), fc.array(frame, { maxLength: 8 }), wire);
  const property = fc.asyncProperty(
    fc.array(socketLife, { minLength: TOGETHER, maxLength: TOGETHER }),
    async (sockets) => {
      await Promise.all(sockets.map((sent) => one(...sent)));
      await stillServes(desk);
    },
  );
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
