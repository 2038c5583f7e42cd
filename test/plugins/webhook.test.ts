import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openPort } from '../../src/index.ts';
import webhook from '../../src/plugins/webhook.ts';
import { evaluatedEvent, judgedEvent, learntEvent } from '../support/events.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';
import { until } from '../support/until.ts';

/** Turns of the event loop: enough for timers of some milliseconds. */
const TURNS = 1_000_000;

interface Received {
  readonly body: { readonly type: string; readonly version?: { readonly n: number } };
  readonly headers: IncomingMessage['headers'];
}

/** @param answer what the n-th request, from 0, gets. */
async function receiver(answer: (n: number, response: ServerResponse) => void) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      received.push({ body: JSON.parse(text) as Received['body'], headers: request.headers });
      answer(received.length - 1, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?key=secret`;
  return { url, received, versions: () => received.map(({ body }) => body.version?.n) };
}

const status = (code: number) => (_: number, response: ServerResponse) => void response.writeHead(code).end();

async function watching(url: string, options: object = {}) {
  const context = pluginContext<'watch'>();
  const watch = await openPort(webhook, 'watch', context, {
    url,
    backoffMilliseconds: 1,
    maxBackoffMilliseconds: 2,
    ...options,
  });
  return { context, watch };
}

test('each event is posted once, in order, without tokens, with the headers given', async () => {
  const { url, received, versions } = await receiver(status(204));
  const { watch, context } = await watching(url, { headers: { authorization: 'Bearer x' } });
  for (const event of [learntEvent(1), learntEvent(2), judgedEvent('4', '5')]) await watch(event, idle);
  await until(() => received.length === 3, TURNS);
  expect(versions()).toEqual([1, 2, undefined]);
  expect(received[0]!.headers).toMatchObject({ authorization: 'Bearer x', 'content-type': 'application/json' });
  expect(new Set(received.map(({ headers }) => headers['x-quorum-delivery'])).size).toBe(3);
  expect(JSON.stringify(received)).not.toContain('logprobs');
  expect(context.told).toEqual([]);
});

test('a user and a password in the address become a header, and appear in no message', async () => {
  const { url, received } = await receiver(status(400));
  const { watch, context } = await watching(url.replace('//', '//me:p%40ss@'));
  await watch(learntEvent(1), idle);
  await until(() => context.told.length === 1, TURNS);
  expect(received[0]!.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`);
  expect(context.told.join()).not.toMatch(/p@ss|p%40ss|key=secret/);
});

test('what fails is tried again until it succeeds, in order, with the same delivery number', async () => {
  const { url, received, versions } = await receiver((n, response) => {
    if (n === 0) response.socket!.destroy();
    else status(n < 3 ? 503 : 200)(n, response);
  });
  const { watch, context } = await watching(url);
  for (const n of [1, 2]) await watch(learntEvent(n), idle);
  await until(() => received.length === 5, TURNS);
  expect(versions()).toEqual([1, 1, 1, 1, 2]);
  expect(new Set(received.slice(0, 4).map(({ headers }) => headers['x-quorum-delivery'])).size).toBe(1);
  expect(context.told).toEqual([]);
});

test('after the last attempt it is given up and told, without what the address keeps secret; the next one is tried', async () => {
  const { url, versions } = await receiver((n, response) => status(n < 3 ? 500 : 200)(n, response));
  const { watch, context } = await watching(url, { attempts: 3 });
  for (const n of [1, 2]) await watch(learntEvent(n), idle);
  await until(() => versions().includes(2), TURNS);
  expect(versions()).toEqual([1, 1, 1, 2]);
  expect(context.told).toEqual([expect.stringMatching(/given up: .*\/hook: it answered 500 \(3 attempts\)$/)]);
});

test.each([400, 404, 302])('%i will not pass, so it is not tried again', async (code) => {
  const { url, versions } = await receiver((n, response) => {
    if (n === 0) response.writeHead(code, { location: '/elsewhere' }).end();
    else response.writeHead(200).end();
  });
  const { watch, context } = await watching(url);
  for (const n of [1, 2]) await watch(learntEvent(n), idle);
  await until(() => versions().includes(2), TURNS);
  expect(versions()).toEqual([1, 2]);
  expect(context.told).toEqual([expect.stringContaining(`it answered ${code}`)]);
});

test('a receiver that does not answer is given up at the deadline', async () => {
  const { url } = await receiver(() => {});
  const { watch, context } = await watching(url, { timeoutSeconds: 0.02, attempts: 1 });
  await watch(learntEvent(1), idle);
  await until(() => context.told.length > 0, TURNS);
  expect(context.told[0]).toContain('timeout');
});

test('the watcher waits until the receiver has a version, or fails: the last one is delivered before the daemon ends', async () => {
  const { url, received, versions } = await receiver((n, response) => status(n === 2 ? 503 : 200)(n, response));
  const { watch } = await watching(url, { backoffMilliseconds: 3_600_000, maxBackoffMilliseconds: 3_600_000 });
  await watch(learntEvent(1), idle);
  expect(versions()).toEqual([1]);
  await watch(evaluatedEvent(1, 0.5), idle);
  expect(received.map(({ body }) => body.type)).toEqual(['learnt', 'evaluated']);
  for (const n of [2, 3]) await watch(learntEvent(n), idle); // it answers 503, and is tried again in an hour
  expect(versions()).toEqual([1, undefined, 2]);
});

test('what waits is bounded, the oldest goes; the watcher does not wait for a receiver that does not answer', async () => {
  const held: ServerResponse[] = [];
  const { url, versions } = await receiver((_, response) => void held.push(response));
  const { watch, context } = await watching(url, { maxWaiting: 2 });
  const told = [1, 2, 3, 4, 5].map(async (n) => watch(learntEvent(n), idle));
  for (let answered = 0; answered < 3; answered++) {
    await until(() => held.length > answered, TURNS);
    held[answered]!.end();
  }
  expect(versions()).toEqual([1, 4, 5]);
  expect(context.told).toHaveLength(2);
  await Promise.all(told);
});

test('nothing is sent after a stop', async () => {
  const held: ServerResponse[] = [];
  const { url, versions } = await receiver((_, response) => void held.push(response));
  const { watch, context } = await watching(url);
  const told = [1, 2].map(async (n) => watch(learntEvent(n), idle));
  await until(() => held.length === 1, TURNS);
  const closed = once(held[0]!, 'close');
  context.end();
  await closed;
  await Promise.all(told);
  expect(versions()).toEqual([1]);
  expect(context.told).toEqual([]);
});

test.each([
  [{ url: 'ftp://example.org' }, 'options.url: expected an http or https address'],
  [{ url: 'http://localhost', attempts: 0 }, 'options.attempts'],
  [{}, 'options.url'],
])('bad options %j', async (options, words) => {
  await expect(openPort(webhook, 'watch', pluginContext<'watch'>(), options)).rejects.toThrow(words);
});
