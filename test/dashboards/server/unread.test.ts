/**
 * Connections that hold on to what they were given, or that do nothing: none of them costs memory without bound, or
 * keeps others out.
 */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../support/until.ts';
import { Browser, openDesk, type Desk } from './support/browser.ts';

const MEGABYTE = 2 ** 20;

/** A connection that reads nothing beyond what `heard` collects. */
function dial(desk: Desk, localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port: desk.dashboard.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

function ask(desk: Desk, path: string, times = 1): Socket {
  const socket = dial(desk);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(times));
  return socket;
}

/** Version 1 with more bytes than sockets hold between them. */
function largeVersion({ daemon }: Desk): void {
  const file = join(daemon.folder, 'model.safetensors');
  writeFileSync(file, '');
  truncateSync(file, 256 * MEGABYTE);
  daemon.versionFolders.set(1, daemon.folder);
}

async function statusOf(desk: Desk, path: string): Promise<number> {
  // A connection of its own: one that was kept open may be ended for standing still just as it is used again.
  const answer = await desk.get(path, { headers: { connection: 'close' } });
  await answer.body?.cancel();
  return answer.status;
}

/** Bytes that it still receives. */
function bytesOf(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0;
    socket.removeAllListeners('readable').on('data', (part: Buffer) => (bytes += part.length));
    socket.on('close', () => resolve(bytes)).resume();
  });
}

/** Asks for a download until one begins. */
async function freePlace(desk: Desk): Promise<void> {
  while ((await statusOf(desk, '/versions/1.tar')) !== 200);
}

test('a download that is not read is ended, and its place is free again', async () => {
  const desk = await openDesk({ stillMilliseconds: 200 });
  largeVersion(desk);
  const stuck = [ask(desk, '/versions/1.tar'), ask(desk, '/versions/1.tar')];
  await Promise.all(stuck.map((socket) => new Promise((resolve) => socket.once('readable', resolve))));
  await freePlace(desk);
  expect(desk.errors).toEqual([]);
});

test('a download that is read too slowly is ended, any other is not', async () => {
  const desk = await openDesk();
  largeVersion(desk);
  const slow = ask(desk, '/versions/1.tar');
  const quick = ask(desk, '/versions/1.tar');
  let bytes = 0;
  const taken = async (all: number) => {
    const count = new Promise<void>((resolve) => {
      quick.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes >= all) resolve();
      });
    });
    quick.resume();
    await count;
    quick.removeAllListeners('data').pause();
  };
  await new Promise((resolve) => slow.once('readable', resolve));
  expect(await statusOf(desk, '/versions/1.tar')).toBe(503);
  for (let n = 1; n <= 3; n += 1) {
    await taken(20 * n * MEGABYTE);
    desk.clock.advance(30_000);
  }
  await freePlace(desk);
  await taken(256 * MEGABYTE);
  expect(desk.errors).toEqual([]);
});

test('answers that are not read stay within 64 MiB, however many are asked for; those that waited the longest are given up', async () => {
  const desk = await openDesk();
  // More than sockets hold between them.
  const size = 24 * MEGABYTE;
  mkdirSync(join(desk.daemon.folder, 'client/assets'), { recursive: true });
  writeFileSync(join(desk.daemon.folder, 'client/assets/large.js'), Buffer.alloc(size));
  const sockets = Array.from({ length: 8 }, () => ask(desk, '/assets/large.js', 2));
  await Promise.all(
    sockets.map((socket) => new Promise((resolve) => socket.once('readable', resolve).once('close', resolve))),
  );
  const answer = await desk.get('/assets/large.js');
  expect((await answer.arrayBuffer()).byteLength).toBe(size);
  // ends those that are left once they have their answers
  for (const socket of sockets) socket.write('no request\r\n\r\n');
  const received = await Promise.all(sockets.map(bytesOf));
  expect(received.filter((bytes) => bytes >= size).length).toBeLessThanOrEqual(2);
  expect(desk.errors).toEqual([]);
});

test('requests that come together are answered in their order, up to a bound', async () => {
  const desk = await openDesk();
  const paths = ['/healthz', '/readyz', '/nowhere', '/healthz'];
  const socket = dial(desk);
  let heard = '';
  socket.on('data', (part: Buffer) => (heard += part.toString()));
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
  await until(() => heard.match(/^HTTP/gm)?.length === paths.length);
  expect(heard.match(/^HTTP\S+ \d+/gm)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
  const greedy = ask(desk, '/healthz', 1000).resume();
  await new Promise((resolve) => greedy.once('close', resolve));
  expect(await statusOf(desk, '/healthz')).toBe(200);
});

test('connections that do nothing keep no page out', async () => {
  const desk = await openDesk();
  const idle: Socket[] = [];
  for (let n = 0; n < 300; n += 1) {
    idle.push(dial(desk));
    await new Promise((resolve) => idle[n]!.once('connect', resolve).once('close', resolve));
  }
  expect(await statusOf(desk, '/healthz')).toBe(200);
  const browser = await Browser.open(desk.dashboard);
  expect(await browser.ask('settings', {})).toEqual(desk.daemon.settings());
});

// Elsewhere the loopback has one address.
test.runIf(process.platform === 'linux')(
  'the connections of one address take no place from another address',
  async () => {
    const desk = await openDesk({ maxClients: 1 });
    const other = dial(desk, '127.0.0.2');
    await new Promise((resolve) => other.once('connect', resolve));
    const idle = Array.from({ length: 200 }, () => dial(desk).resume());
    const isGone = (socket: Socket) => socket.destroyed;
    await until(() => idle.filter(isGone).length === 200 - 65);
    let heard = '';
    other
      .on('data', (part: Buffer) => (heard += part.toString()))
      .write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await until(() => heard.includes('ok\n'));
    expect(heard).toMatch(/^HTTP\/1\.1 200/);
  },
);
