/** What a page may send, and how the server treats a page that sends anything else. */
import { pack } from 'msgpackr';
import { expect, test } from 'vitest';
import { encode } from '../../../src/protocol/codec.ts';
import { CLOSE } from '../../../src/protocol/frames.ts';
import { until } from '../../support/until.ts';
import { Browser, openDesk } from './support/browser.ts';

const hello = encode({ type: 'hello', v: 1 });
const adding = (more: object) => encode({ type: 'command', id: 1, command: { type: 'plugin.add', use: 'a', ...more } });
const request = (more: object) => encode({ type: 'request', id: 1, method: 'settings', params: {}, ...more });

test.each<[string, (Uint8Array | string)[], number, RegExp]>([
  ['text', ['{"type":"hello","v":1}'], CLOSE.badFrame, /binary/],
  ['bytes that are no msgpack', [Uint8Array.of(0xc1)], CLOSE.badFrame, /not msgpack/],
  ['a frame cut short', [hello.subarray(0, -1)], CLOSE.badFrame, /in the middle/],
  ['an empty frame', [new Uint8Array()], CLOSE.badFrame, /ends at byte 0/],
  ['an extension type', [pack(new Date(0))], CLOSE.badFrame, /extension/],
  ['an unknown type', [hello, encode({ type: 'shout' })], CLOSE.badFrame, /frame\.type/],
  ['a number instead of a frame', [encode(1)], CLOSE.badFrame, /frame/],
  ['an unknown key', [hello, request({ more: 1 })], CLOSE.badFrame, /more/],
  ['an unknown method', [hello, request({ method: 'constructor' })], CLOSE.badFrame, /frame\.method/],
  ['an unknown parameter', [hello, request({ params: { limit: 1 } })], CLOSE.badFrame, /settings/],
  ['a missing parameter', [hello, request({ method: 'group' })], CLOSE.badFrame, /group\.id/],
  [
    'a parameter of another type',
    [hello, request({ method: 'group', params: { id: ['g1'] } })],
    CLOSE.badFrame,
    /group\.id/,
  ],
  [
    'a limit beyond 200',
    [hello, request({ method: 'groups', params: { filter: {}, limit: 201 } })],
    CLOSE.badFrame,
    /groups\.limit/,
  ],
  [
    'more than 5000 points',
    [hello, request({ method: 'history', params: { maxPoints: 5001 } })],
    CLOSE.badFrame,
    /maxPoints/,
  ],
  ['a negative id', [hello, request({ id: -1 })], CLOSE.badFrame, /frame\.id/],
  [
    'a command that does not exist',
    [hello, encode({ type: 'command', id: 1, command: { type: 'format-disk' } })],
    CLOSE.badFrame,
    /command/,
  ],
  ...[
    '../x.js',
    './a/../../x.js',
    '/etc/x.js',
    'a/..',
    '.',
    'data:text/javascript,1',
    'file:///x.js',
    'C:\\x.js',
    'a%2f..%2fx',
    '',
  ].map((use): [string, Uint8Array[], number, RegExp] => [
    `a plug-in from "${use}"`,
    [hello, encode({ type: 'command', id: 1, command: { type: 'plugin.add', use } })],
    CLOSE.badFrame,
    /use: expected a package, or a path inside the folder/,
  ]),
  ['options for a plug-in', [hello, adding({ options: { file: '/etc/x' } })], CLOSE.badFrame, /options/],
  ['labels for a plug-in', [hello, adding({ labels: true })], CLOSE.badFrame, /labels/],
  ['a request before hello', [request({})], CLOSE.badFrame, /before hello/],
  [
    'a command before hello',
    [encode({ type: 'command', id: 1, command: { type: 'stop' } })],
    CLOSE.badFrame,
    /before hello/,
  ],
  ['a second hello', [hello, hello], CLOSE.badFrame, /second hello/],
  ['another version', [encode({ type: 'hello', v: 2 })], CLOSE.wrongVersion, /version 1 .* page 2/],
  ['another version in another shape', [encode({ type: 'hello', v: 7, token: 'x' })], CLOSE.wrongVersion, /page 7/],
  ['a frame beyond 64 KiB', [encode({ type: 'hello', v: 'x'.repeat(2 ** 16) })], CLOSE.badFrame, /65536 bytes/],
  ['a frame beyond all bounds', [encode({ type: 'hello', v: 'x'.repeat(2 ** 20) })], 1009, /^$/],
])('%s closes that socket with the reason, and no other', async (_, messages, code, reason) => {
  const { dashboard, daemon, clock, errors } = await openDesk();
  const other = await Browser.open(dashboard);
  const bad = await Browser.connect(dashboard);
  for (const message of messages) bad.socket.send(message);
  const closing = await bad.closed;
  expect(closing.code).toBe(code);
  expect(closing.reason).toMatch(reason);
  expect(daemon.commands).toEqual([]);
  expect(await other.ask('settings', {})).toEqual(daemon.settings());
  clock.advance(1000);
  daemon.tick({ version: 49 });
  clock.advance(100);
  expect((await other.next('update', ({ live }) => live.version === 49)).live.version).toBe(49);
  expect(errors).toEqual([]);
});

test('an id that is still in flight closes the socket; an answered id may be used again', async () => {
  const { dashboard, daemon } = await openDesk();
  const browser = await Browser.open(dashboard);
  const settings = { type: 'request', id: 7, method: 'settings', params: {} } as const;
  for (let i = 0; i < 2; i++) {
    browser.send(settings);
    await browser.next('reply', ({ id }) => id === 7);
  }
  daemon.obey = () => new Promise(() => {});
  browser.send({ type: 'command', id: 7, command: { type: 'checkpoint' } });
  browser.send(settings);
  expect(await browser.closed).toEqual({ code: CLOSE.badFrame, reason: 'id 7 is still in flight' });
});

test('a page that sends too often is closed, whatever it sends', async () => {
  const { dashboard } = await openDesk();
  const [asking, ponging, pinging] = [
    await Browser.open(dashboard),
    await Browser.open(dashboard),
    await Browser.open(dashboard),
  ];
  for (let id = 0; id < 150; id++) asking.send({ type: 'request', id, method: 'settings', params: {} });
  for (let i = 0; i < 150; i++) ponging.socket.pong();
  expect(await asking.closed).toEqual({ code: CLOSE.tooFast, reason: 'more than 25 messages a second' });
  expect(await ponging.closed).toMatchObject({ code: CLOSE.tooFast });
  for (let i = 0; i < 150; i++) pinging.socket.ping();
  await pinging.closed; // by ws itself, which bounds the pongs that wait
});

test('a message in many fragments closes its socket', async () => {
  const { dashboard } = await openDesk();
  const browser = await Browser.open(dashboard);
  for (let i = 0; i < 100; i++) browser.socket.send(Uint8Array.of(0), { binary: true, fin: false });
  expect(await browser.closed).toMatchObject({ code: 1008 });
});

test('a page that sends within its rate stays connected', async () => {
  const { dashboard, clock } = await openDesk();
  const browser = await Browser.open(dashboard);
  for (let second = 0; second < 20; second++) {
    clock.advance(1000);
    for (let i = 0; i < 20; i++) await browser.ask('settings', {});
  }
  expect(browser.socket.readyState).toBe(browser.socket.OPEN);
});

test('requests beyond the queue are refused, those in it are answered in order', async () => {
  const { dashboard } = await openDesk();
  const browser = await Browser.open(dashboard);
  browser.socket.pause();
  for (let id = 1; id <= 60; id++) browser.send({ type: 'request', id, method: 'settings', params: {} });
  browser.socket.resume();
  const isAnswer = ({ type }: { readonly type: string }) => type === 'reply' || type === 'refused';
  await until(() => browser.frames.filter(isAnswer).length === 60);
  const answered = browser.frames.flatMap((frame) => (frame.type === 'reply' ? [frame.id] : []));
  expect(answered).toEqual(answered.toSorted((a, b) => a - b));
  expect(answered.length).toBeGreaterThanOrEqual(16);
});

test('a connection without a hello is closed', async () => {
  const { dashboard, clock } = await openDesk();
  const silent = await Browser.connect(dashboard);
  clock.advance(20_001);
  expect(await silent.closed).toEqual({ code: CLOSE.badFrame, reason: 'no hello came' });
});

test('the view token may look and not command', async () => {
  const { dashboard, daemon } = await openDesk({ viewToken: 'v'.repeat(16), controlToken: 'c'.repeat(16) });
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token.repeat(16)}` } });
  const [viewer, chief] = [
    await Browser.connect(dashboard, bearer('v')),
    await Browser.connect(dashboard, bearer('c')),
  ];
  for (const browser of [viewer, chief]) browser.send({ type: 'hello', v: 1 });
  expect(await viewer.next('hello')).toMatchObject({ access: 'view' });
  expect(await chief.next('hello')).toMatchObject({ access: 'control' });
  await expect(viewer.command({ type: 'stop' })).rejects.toThrow(/not command/);
  expect(await viewer.ask('settings', {})).toEqual(daemon.settings());
  expect(daemon.commands).toEqual([]);
  expect(await chief.command({ type: 'pause' })).toBeNull();
  expect(daemon.commands).toEqual([{ command: { type: 'pause' }, author: 'the dashboard at 127.0.0.1' }]);
});

test.each([
  'quorum-reward',
  '@us/reward',
  'quorum/plugins/soft-vote',
  './my-reward.ts',
  './plugins/mine.v2.ts',
  'a..b',
])('a page may add %s', async (use) => {
  const { dashboard, daemon } = await openDesk();
  const browser = await Browser.open(dashboard);
  await browser.command({ type: 'plugin.add', use, thread: true });
  expect(daemon.commands).toMatchObject([{ command: { type: 'plugin.add', use, thread: true } }]);
});

test('a refused command gets its own reason, a failed command ours', async () => {
  const { dashboard, daemon, errors } = await openDesk();
  const browser = await Browser.open(dashboard);
  await expect(browser.command({ type: 'rollback', version: 3 })).rejects.toThrow('version 3 is not on disk');
  expect(errors).toEqual([]);
  daemon.obey = () => Promise.reject(new Error('secret /path'));
  await expect(browser.command({ type: 'evaluate', full: true })).rejects.toThrow('this failed inside the daemon');
  expect(errors).toHaveLength(1);
});

test('a long command does not hold up requests', async () => {
  const { dashboard, daemon } = await openDesk();
  const browser = await Browser.open(dashboard);
  let finish = () => {};
  daemon.obey = () => new Promise((resolve) => (finish = () => resolve(undefined)));
  const evaluated = browser.command({ type: 'evaluate', full: false });
  expect(await browser.ask('settings', {})).toEqual(daemon.settings());
  finish();
  expect(await evaluated).toBeNull();
});

test('commands of one page do not wait for each other, and are carried out also when the page is gone', async () => {
  const { dashboard, daemon } = await openDesk();
  const browser = await Browser.open(dashboard);
  let finish = () => {};
  daemon.obey = () => new Promise((resolve) => (finish = () => resolve(undefined)));
  browser.send({ type: 'command', id: 1001, command: { type: 'evaluate', full: true } });
  browser.send({ type: 'command', id: 1002, command: { type: 'pause' } });
  browser.send({ type: 'command', id: 1003, command: { type: 'resume' } });
  browser.socket.close();
  await browser.closed;
  expect(daemon.commands.map(({ command }) => command.type)).toEqual(['evaluate', 'pause', 'resume']);
  finish();
});
