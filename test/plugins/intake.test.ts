import { copyFileSync, existsSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { openPort, type Ask } from '../../src/index.ts';
import intake from '../../src/plugins/intake.ts';
import { idle, pluginContext } from '../support/plugin-context.ts';
import { png } from '../support/png.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';

const dataSet: Ask = ({ from }) =>
  Promise.resolve([{ id: `data ${from}`, text: `data ${from}`, pictures: [], origin: 'dataset' }]);

async function listening(options: object = {}, folder = temporaryFolder()) {
  const context = pluginContext<'ask'>({ folder, next: dataSet });
  const ask = await openPort(intake, 'ask', context, { port: 0, ...options });
  const url = /http:\S+/.exec(context.told.join('\n'))![0];
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const asked = async (from: number, count = 1) => (await ask({ from, count }, idle)).map(({ text }) => text);
  return { context, ask, url, post, asked, folder };
}

/** Status and the reason given. */
async function refusal(reply: Promise<Response>): Promise<[number, string]> {
  const response = await reply;
  return [response.status, ((await response.json()) as { error: string }).error];
}

async function connected(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  onTestFinished(() => socket.terminate());
  const replies: unknown[] = [];
  socket.on('message', (data: Buffer) => replies.push(JSON.parse(data.toString())));
  await once(socket, 'open');
  const replied = async (count: number) => {
    while (replies.length < count) await once(socket, 'message');
    return replies;
  };
  return { socket, replied };
}

describe('a question that is posted', () => {
  test('is asked before the data set continues, once, and again for the same number only', async () => {
    const { post, ask, asked } = await listening();
    expect(await asked(0)).toEqual(['data 0']);
    const response = await post({ text: 'How many?', kind: 'count', verbatim: true });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    expect(await ask({ from: 1, count: 4 }, idle)).toEqual([
      { id, text: 'How many?', pictures: [], origin: 'plugin', kind: 'count', verbatim: true },
    ]);
    expect(await asked(2)).toEqual(['data 2']);
    expect(await asked(1)).toEqual(['How many?']);
  });

  test('survives a restart while it waits, and is not asked twice after it', async () => {
    const before = await listening();
    await before.post({ text: 'first', id: 'a' });
    await before.post({ text: 'second', id: 'b' });
    expect(await before.asked(0)).toEqual(['first']);
    before.context.end();
    await expect(before.post({ text: 'too late' })).rejects.toThrow('fetch failed');
    const after = await listening({}, before.folder);
    expect(await after.asked(0)).toEqual(['first']);
    expect(await after.asked(1, 5)).toEqual(['second']);
    expect(await after.asked(2)).toEqual(['data 2']);
    expect(await refusal(after.post({ text: 'first', id: 'a' }))).toEqual([409, 'question a was given before']);
  });

  test.each([
    ['{', 'this is no JSON'],
    [{}, 'text: '],
    [{ text: 'What?', answer: '4' }, 'answer'],
    [{ text: 'What?', pictures: ['cat.png'] }, 'pictures.0: expected {data} or {path}'],
    [{ text: 'What?', pictures: [{ data: 'bm8gcGljdHVyZQ==' }] }, 'not base64 of a PNG'],
    [
      {
        text: 'What?',
        pictures: [{ data: Buffer.from('\x89PNG\r\n\x1a\n and no more', 'latin1').toString('base64') }],
      },
      'cannot be read',
    ],
  ])('%j is refused, with the field', async (body, words) => {
    const { post, asked, folder } = await listening();
    const [status, error] = await refusal(post(body));
    expect(status).toBe(400);
    expect(error).toContain(words);
    expect(error).not.toContain(folder);
    expect(await asked(0)).toEqual(['data 0']);
    expect(readdirSync(join(folder, 'pictures'))).toEqual([]);
  });

  test('other methods, types and paths are refused', async () => {
    const { post, url } = await listening();
    expect((await fetch(url)).status).toBe(405);
    expect((await fetch(`${url}/more`, { method: 'POST' })).status).toBe(404);
    expect(await refusal(post({ text: 'What?' }, { 'content-type': 'text/plain' }))).toEqual([
      415,
      'send application/json',
    ]);
  });
});

describe('pictures', () => {
  const data = async () => (await png()).toString('base64');

  test('are kept by their content, once', async () => {
    const { post, ask, context, folder } = await listening();
    for (const text of ['What?', 'Why?'])
      expect((await post({ text, pictures: [{ data: await data() }] })).status).toBe(202);
    expect((await post({ text: 'How?', pictures: [{ data: `data:image/png;base64,${await data()}` }] })).status).toBe(
      202,
    );
    const questions = await ask({ from: 0, count: 2 }, idle);
    expect(readdirSync(join(folder, 'pictures'))).toHaveLength(1);
    expect(questions[0]!.pictures).toEqual(questions[1]!.pictures);
    expect(await context.picture(questions[0]!.pictures[0]!)).toMatchObject({ width: 8, height: 8 });
  });

  test('are bounded, each and in all: the oldest without a waiting sender are dropped', async () => {
    const size = (await png()).length;
    const { post, ask, folder } = await listening({ maxKeptMegabytes: (1.5 * size) / 1e6 });
    const send = async (colour: string) => {
      await post({ text: colour, pictures: [{ data: (await png(8, 8, colour)).toString('base64') }] });
      return readdirSync(join(folder, 'pictures')).length;
    };
    expect(await send('#000000')).toBe(1);
    expect(await send('#00ff00')).toBe(2);
    const [first, second] = await ask({ from: 0, count: 2 }, idle);
    expect(await send('#0000ff')).toBe(1);
    for (const { pictures } of [first!, second!])
      expect(existsSync((pictures[0] as { path: string }).path)).toBe(false);
    const small = await listening({ maxPictureMegabytes: (size - 1) / 1e6 });
    expect(await refusal(small.post({ text: 'What?', pictures: [{ data: await data() }] }))).toEqual([
      413,
      expect.stringContaining('bytes'),
    ]);
  });

  test('a body that is too long is not read to its end', async () => {
    const { post, asked } = await listening({ maxPictureMegabytes: 0.001 });
    // The sender is answered, or cut off while it still writes.
    const status = await post(`${JSON.stringify({ text: 'What?' })}${' '.repeat(8_000_000)}`).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
    expect(await asked(0)).toEqual(['data 0']);
  });

  test('by path only within the folder allowed, links followed', async () => {
    const [allowed, elsewhere] = [temporaryFolder(), temporaryFolder()];
    writeFileSync(join(allowed, 'cat.png'), await png());
    copyFileSync(join(allowed, 'cat.png'), join(elsewhere, 'secret.png'));
    symlinkSync(join(elsewhere, 'secret.png'), join(allowed, 'link.png'));
    const { post, ask } = await listening({ pictureFolder: allowed });
    expect((await post({ text: 'What?', pictures: [{ path: 'cat.png' }] })).status).toBe(202);
    expect(await ask({ from: 0, count: 1 }, idle)).toMatchObject([
      { pictures: [{ type: 'file', path: join(allowed, 'cat.png') }] },
    ]);
    for (const path of ['link.png', join(elsewhere, 'secret.png'), '../../etc/hostname', 'none.png', '.']) {
      expect(await refusal(post({ text: 'What?', pictures: [{ path }] }))).toEqual([
        403,
        `there is no picture ${path} in pictureFolder`,
      ]);
    }
    const closed = await listening();
    expect((await refusal(closed.post({ text: 'What?', pictures: [{ path: 'cat.png' }] })))[1]).toContain(
      'set pictureFolder',
    );
  });
});

/** Holds once `value` was the same for many turns of the event loop. */
function stops(value: () => number): () => boolean {
  let [last, turns] = [Number.NaN, 0];
  return () => {
    turns = value() === last ? turns + 1 : 0;
    last = value();
    return turns > 2000;
  };
}

describe('back-pressure', () => {
  test('POST answers 429 while the queue is full', async () => {
    const { post, asked } = await listening({ maxWaiting: 2 });
    for (const text of ['a', 'b']) await post({ text });
    const response = await post({ text: 'c' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await asked(0)).toEqual(['a']);
    expect((await post({ text: 'c' })).status).toBe(202);
  });

  test('a WebSocket is not read while the queue is full; nothing is lost, and order is kept', async () => {
    const { url, asked, context } = await listening({ maxWaiting: 3 });
    const { socket, replied } = await connected(url);
    for (let i = 0; i < 20; i++) socket.send(JSON.stringify({ text: `${i}`, id: `${i}` }));
    expect(await replied(3)).toEqual([0, 1, 2].map((i) => ({ id: `${i}`, waiting: i + 1 })));
    const seen: string[] = [];
    for (let from = 0; seen.length < 20; from += 1) {
      seen.push(...(await asked(from)));
      await replied(Math.min(20, seen.length + 3));
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
    expect(context.told).toHaveLength(1);
  });

  test('what a WebSocket sends meanwhile stays with the sender', async () => {
    const { url } = await listening({ maxWaiting: 1 });
    const { socket, replied } = await connected(url);
    const [messages, length] = [300, 90_000];
    for (let i = 0; i < messages; i++) socket.send(JSON.stringify({ text: 'x'.repeat(length) }));
    await replied(1);
    await until(
      stops(() => socket.bufferedAmount),
      1_000_000,
    );
    // The network's own buffers hold a few megabytes of the 27.
    expect(socket.bufferedAmount).toBeGreaterThan((messages * length) / 2);
  });

  test('a bad message is answered, and the connection continues', async () => {
    const { url } = await listening();
    const { socket, replied } = await connected(url);
    socket.send('nonsense');
    socket.send(JSON.stringify({ text: 'What?', id: 'a' }));
    expect(await replied(2)).toEqual([{ error: 'this is no JSON' }, { id: 'a', waiting: 1 }]);
  });

  test('a stop ends connections that wait for room', async () => {
    const { url, context } = await listening({ maxWaiting: 1 });
    const { socket, replied } = await connected(url);
    for (const text of ['a', 'b']) socket.send(JSON.stringify({ text }));
    await replied(1);
    context.end();
    await once(socket, 'close');
    expect(context.told).toHaveLength(1);
  });
});

test('a stop ends a request that is not sent to its end', async () => {
  const { url, context } = await listening();
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  socket.write(
    'POST /questions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
  );
  // The server asks for the body, so it is in the middle of the request.
  await once(socket, 'data');
  context.end();
  await once(socket, 'close');
  expect(context.told).toHaveLength(1);
});

describe('permission to send', () => {
  const token = 'a-token-of-16-characters';

  test('with a token, who gives it', async () => {
    const { post, url } = await listening({ token });
    expect((await refusal(post({ text: 'What?' })))[0]).toBe(401);
    expect((await refusal(post({ text: 'What?' }, { authorization: `Bearer ${token}x` })))[0]).toBe(401);
    expect((await post({ text: 'What?' }, { authorization: `Bearer ${token}` })).status).toBe(202);
    await expect(connected(url)).rejects.toThrow('401');
    await connected(url, { authorization: `Bearer ${token}` });
  });

  test('without one no page: neither of another site nor through a rebound name', async () => {
    const { post, url } = await listening();
    expect((await refusal(post({ text: 'What?' }, { origin: 'http://evil.example' })))[0]).toBe(403);
    await expect(connected(url, { origin: 'http://evil.example' })).rejects.toThrow('403');
    await expect(connected(url, { host: 'evil.example' })).rejects.toThrow('403');
  });

  test.each([
    [{ host: '0.0.0.0' }, 'options.token: is needed when host is not a loopback address'],
    [{ token: 'short' }, 'options.token'],
    [{ port: 70_000 }, 'options.port'],
    [{ maxWaiting: 0 }, 'options.maxWaiting'],
  ])('bad options %j', async (options, words) => {
    await expect(listening(options)).rejects.toThrow(words);
  });

  test('a port that is in use is named', async () => {
    const { url } = await listening();
    const { port } = new URL(url);
    await expect(listening({ port: Number(port) })).rejects.toThrow(`options.port ${port}`);
  });
});
