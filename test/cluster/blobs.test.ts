import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Blobs } from '../../src/cluster/blobs.ts';
import { fetchBytes, fetchFile, sendBytes } from '../../src/cluster/download.ts';
import { hashOf } from '../../src/cluster/wire.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BYTES = new Uint8Array(randomBytes(300_000));
const BLOB = { sha: hashOf(BYTES), size: BYTES.length };

async function served(): Promise<Blobs> {
  const blobs = new Blobs();
  await blobs.listen('127.0.0.1', 0);
  onTestFinished(() => blobs[Symbol.asyncDispose]());
  return blobs;
}

/** A server that answers as it likes. */
async function serverOf(answer: RequestListener): Promise<() => { url: string; token: string }> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 't' });
}

test('content is served in ranges to holders of the token, and to no other', async () => {
  const blobs = await served();
  const path = join(temporaryFolder(), 'file');
  writeFileSync(path, BYTES);
  blobs.hold(BLOB, { path });
  const get = (headers: Record<string, string>, of = BLOB.sha) => fetch(`${blobs.url}/${of}`, { headers });
  const authorization = `Bearer ${blobs.token}`;
  expect((await get({})).status).toBe(401);
  expect((await get({ authorization: `${authorization.slice(0, -1)}!` })).status).toBe(401);
  const part = await get({ authorization, range: 'bytes=299990-' });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 299990-299999/300000']);
  expect(Buffer.from(await part.arrayBuffer()).equals(BYTES.slice(299_990))).toBe(true);
  expect((await get({ authorization, range: 'bytes=5-9' })).status).toBe(416);
  expect((await get({ authorization }, '../../etc/passwd')).status).toBe(404);
  blobs.release(BLOB);
  expect((await get({ authorization })).status).toBe(404);
  expect(blobs.size).toBe(0);
});

test('a range may begin beyond 4 GB', async () => {
  const blobs = await served();
  const path = join(temporaryFolder(), 'sparse');
  writeFileSync(path, '');
  truncateSync(path, 2 ** 32 + 5);
  appendFileSync(path, 'the end');
  const blob = { ...BLOB, size: 2 ** 32 + 12 };
  blobs.hold(blob, { path });
  const headers = { authorization: `Bearer ${blobs.token}`, range: `bytes=${2 ** 32 + 5}-` };
  const answer = await fetch(`${blobs.url}/${blob.sha}`, { headers });
  expect([answer.status, answer.headers.get('content-range')]).toEqual([206, 'bytes 4294967301-4294967307/4294967308']);
  expect(await answer.text()).toBe('the end');
});

test('what is held twice stays until it is released twice', async () => {
  const blobs = await served();
  for (let i = 0; i < 2; i++) blobs.hold(BLOB, { read: () => Promise.resolve(BYTES) });
  blobs.release(BLOB);
  expect(hashOf(await fetchBytes(() => ({ url: blobs.url, token: blobs.token }), BLOB))).toBe(BLOB.sha);
  blobs.release(BLOB);
  await expect(fetchBytes(() => ({ url: blobs.url, token: blobs.token }), BLOB)).rejects.toThrow(RangeError);
});

test('a fetch continues after each break, and a file after the end of its process', async () => {
  const starts: number[] = [];
  const source = await serverOf((request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    starts.push(from);
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': BYTES.length - from });
    const end = Math.min(from + 100_000, BYTES.length);
    response.write(BYTES.subarray(from, end), () => (end < BYTES.length ? response.destroy() : response.end()));
  });
  let count = 0;
  const onBytes = (some: number): void => void (count += some);
  expect(hashOf(await fetchBytes(() => ({ ...source(), onBytes }), BLOB))).toBe(BLOB.sha);
  expect(count).toBe(BLOB.size);
  expect(starts[0]).toBe(0);
  expect(starts.length).toBeGreaterThan(2);
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  const [path, part] = ['file', 'part'].map((name) => join(temporaryFolder(), name)) as [string, string];
  writeFileSync(part, BYTES.subarray(0, 250_000));
  starts.length = 0;
  await fetchFile(source, BLOB, path, part);
  expect(starts).toEqual([250_000]);
  expect(hashOf(new Uint8Array(readFileSync(path)))).toBe(BLOB.sha);
});

test('content that is not what its hash says is refused', async () => {
  const source = await serverOf((_, response) => void response.end(new Uint8Array(BYTES.length)));
  await expect(fetchBytes(source, BLOB)).rejects.toThrow('came with another content');
  const [path, part] = ['file', 'part'].map((name) => join(temporaryFolder(), name)) as [string, string];
  await expect(fetchFile(source, BLOB, path, part)).rejects.toThrow('came with another content');
  expect([existsSync(path), existsSync(part)]).toEqual([false, false]);
});

test('a file in the cache whose content was changed is fetched again', async () => {
  const blobs = await served();
  blobs.hold(BLOB, { read: () => Promise.resolve(BYTES) });
  const [path, part] = ['file', 'part'].map((name) => join(temporaryFolder(), name)) as [string, string];
  const changed = Buffer.from(BYTES);
  changed[123] = changed[123]! ^ 1;
  writeFileSync(path, changed);
  await fetchFile(() => ({ url: blobs.url, token: blobs.token }), BLOB, path, part);
  expect(hashOf(new Uint8Array(readFileSync(path)))).toBe(BLOB.sha);
  blobs.release(BLOB);
  await fetchFile(() => ({ url: blobs.url, token: blobs.token }), BLOB, path, part); // fetches nothing
  writeFileSync(path, changed);
  await expect(fetchFile(() => ({ url: blobs.url, token: blobs.token }), BLOB, path, part)).rejects.toThrow(RangeError);
});

test('content that is held and gone is not there', async () => {
  const blobs = await served();
  const other = { ...BLOB, sha: 'b'.repeat(64) };
  blobs.hold(BLOB, { path: join(temporaryFolder(), 'deleted') });
  blobs.hold(other, { read: () => Promise.reject(new Error('it is gone')) });
  for (const blob of [BLOB, other])
    await expect(fetchBytes(() => ({ url: blobs.url, token: blobs.token }), blob)).rejects.toThrow(RangeError);
});

test('content is taken where it is awaited, once, of the right size, from holders of the token', async () => {
  const blobs = await served();
  const source = () => ({ url: blobs.url, token: blobs.token });
  const put = (name: string, body: Uint8Array<ArrayBuffer>, token = blobs.token) =>
    fetch(`${blobs.url}/${name}`, { method: 'PUT', body, headers: { authorization: `Bearer ${token}` } });
  expect((await put('lease', BYTES)).status).toBe(404);
  blobs.expect('lease', BYTES.length);
  expect((await put('lease', BYTES, 'another')).status).toBe(401);
  expect((await put('lease', BYTES.subarray(1))).status).toBe(413);
  await sendBytes(source, 'lease', BYTES);
  await sendBytes(source, 'lease', BYTES); // its sender did not hear the first answer
  const taken = blobs.taken('lease')!;
  expect([taken.sha, Buffer.compare(taken.bytes, BYTES)]).toEqual([BLOB.sha, 0]);
  expect(blobs.taken('lease')).toBeUndefined();
  await expect(sendBytes(source, 'lease', BYTES)).rejects.toThrow('no longer expects this content');
});

test('content whose sender goes away in the middle is not taken, and can be sent again', async () => {
  const blobs = await served();
  blobs.expect('lease', BYTES.length);
  const { hostname, port } = new URL(blobs.url);
  const headers = { authorization: `Bearer ${blobs.token}`, 'content-length': BYTES.length };
  const half = request({ hostname, port, path: '/lease', method: 'PUT', headers });
  const gone = once(half, 'error');
  half.write(BYTES.subarray(0, 1_000), () => half.destroy(new Error('gone')));
  await gone;
  await sendBytes(() => ({ url: blobs.url, token: blobs.token }), 'lease', BYTES);
  expect(blobs.taken('lease')!.sha).toBe(BLOB.sha);
});
