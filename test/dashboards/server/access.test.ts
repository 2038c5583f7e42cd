/** Each way in that somebody uninvited may try. */
import { readFileSync, statSync } from 'node:fs';
import { request as ask } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isLoopback, tokensOf } from '../../../dashboards/server/tokens.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { Browser, openDesk, turnedAway, type Desk } from './support/browser.ts';

const VIEW = 'view-token-0123456789';
const CONTROL = 'control-token-0123456789';
const TOKENS = { viewToken: VIEW, controlToken: CONTROL };

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

/** With headers that fetch would not send. */
function raw(
  { dashboard }: Desk,
  path: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: '127.0.0.1', port: dashboard.port, path, headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

test('on a loopback address no token is needed, and control is allowed', async () => {
  const desk = await openDesk();
  expect(desk.dashboard.links).toBeNull();
  expect((await desk.get('/metrics')).status).toBe(200);
  const browser = await Browser.connect(desk.dashboard);
  browser.send({ type: 'hello', v: 1 });
  expect(await browser.next('hello')).toMatchObject({ access: 'control' });
});

test('every answer carries the headers that allow a page nothing but its own server', async () => {
  const desk = await openDesk(TOKENS);
  for (const path of [
    '/',
    '/metrics',
    '/healthz',
    '/readyz',
    '/nowhere',
    '/pictures/q/0.png',
    '/versions/1.tar',
    '/?token=wrong',
  ]) {
    const { headers } = await desk.get(path);
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  }
});

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])('%s is not allowed', async (method) => {
  expect((await raw(await openDesk(), '/', {}, method)).status).toBe(405);
});

test.each([
  'evil.example',
  'evil.example:4747',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example@localhost',
  '10.0.0.1',
  '[::2]',
  'localhost/',
])('Host %s is another server (DNS rebinding)', async (host) => {
  const desk = await openDesk();
  for (const path of ['/', '/metrics', '/pictures/q1/0.png', '/versions/1.tar']) {
    const { status, body } = await raw(desk, path, { host });
    expect(status).toBe(403);
    expect(body).toContain('dashboard.allowedHosts');
  }
  const origin = `http://${host}`;
  expect(await turnedAway(desk.dashboard, { origin, headers: { host } })).toMatchObject({ status: 403 });
});

test.each(['localhost', 'LOCALHOST:1234', '127.0.0.1', '[::1]:80', 'dash.example', 'Dash.Example.:443'])(
  'Host %s is this server',
  async (host) => {
    const desk = await openDesk({ allowedHosts: ['dash.example'] });
    expect((await raw(desk, '/metrics', { host })).status).toBe(200);
  },
);

test.each([
  'http://evil.example',
  'https://127.0.0.1',
  'http://127.0.0.1',
  'http://127.0.0.1:1',
  'http://localhost:4747',
  'null',
  'file://',
  'javascript:alert(1)',
  'not a URL',
])('a page of %s may not connect', async (origin) => {
  const { dashboard, daemon } = await openDesk();
  expect(await turnedAway(dashboard, { origin })).toMatchObject({
    status: 403,
    words: expect.stringMatching(/may not connect/) as string,
  });
  expect(daemon.listened).toBe(0);
});

test('an upgrade without an Origin needs a token in its header', async () => {
  const { dashboard } = await openDesk(TOKENS);
  const origin = undefined as unknown as string;
  expect(await turnedAway(dashboard, { origin })).toMatchObject({ status: 401 });
  const browser = await Browser.open(dashboard, { origin, ...bearer(VIEW) });
  expect(browser.socket.readyState).toBe(browser.socket.OPEN);
});

test('without tokens, an upgrade needs an Origin', async () => {
  const { dashboard } = await openDesk();
  const origin = undefined as unknown as string;
  expect(await turnedAway(dashboard, { origin })).toMatchObject({ status: 403, words: 'an upgrade needs an Origin\n' });
});

test.each([
  ['without tokens', {}, 403],
  ['with tokens', TOKENS, 401],
])('an upgrade whose Host is no address is refused %s, and the server lives', async (_, options, status) => {
  const desk = await openDesk(options);
  const origin = `http://localhost:${desk.dashboard.port}`;
  for (const host of ['localhost:99999', '[::1]:99999', 'localhost:65536']) {
    expect(await turnedAway(desk.dashboard, { origin, headers: { host } })).toMatchObject({ status });
  }
  expect((await raw(desk, '/healthz', {})).status).toBe(200);
  expect(desk.errors).toEqual([]);
});

test('there is one path to connect to', async () => {
  const { dashboard } = await openDesk();
  const { socket } = new Browser({ port: dashboard.port });
  socket.terminate();
  const elsewhere = raw({ dashboard } as Desk, '/other', { connection: 'Upgrade', upgrade: 'websocket' });
  expect((await elsewhere).status).toBe(404);
});

test('another site may lead to the first page, and fetch nothing', async () => {
  const desk = await openDesk();
  const foreign = { 'sec-fetch-site': 'cross-site' };
  for (const path of ['/', '/metrics', '/pictures/q1/0.png', '/versions/1.tar'])
    expect((await raw(desk, path, foreign)).status).toBe(403);
  expect((await raw(desk, '/', { ...foreign, 'sec-fetch-mode': 'navigate' })).status).toBe(503); // not built here
  expect((await raw(desk, '/metrics', { 'sec-fetch-site': 'same-origin' })).status).toBe(200);
});

test.each([
  ['nothing', {}],
  ['a wrong token', bearer('wrong')],
  ['a token cut short', bearer(VIEW.slice(0, -1))],
  ['a longer token', bearer(`${VIEW}x`)],
  ['the token as a cookie', { headers: { cookie: `quorum-dashboard=${VIEW}` } }],
  ['Basic', { headers: { authorization: `Basic ${Buffer.from(`:${VIEW}`).toString('base64')}` } }],
])('with tokens, %s is refused', async (_, init) => {
  const desk = await openDesk(TOKENS);
  for (const path of ['/', '/assets/index.js', '/metrics', '/pictures/q1/0.png', '/versions/1.tar', '/nowhere']) {
    expect((await desk.get(path, init)).status).toBe(401);
  }
  expect((await turnedAway(desk.dashboard, init)).status).toBe(401);
  expect(desk.daemon.calledStore()).toBe(0);
});

test('probes need no token and any Host, and say nothing but yes or no', async () => {
  const desk = await openDesk(TOKENS);
  expect(await raw(desk, '/healthz', { host: '10.1.2.3' })).toEqual({ status: 200, body: 'ok\n' });
  expect(await raw(desk, '/readyz', { host: '10.1.2.3' })).toEqual({ status: 200, body: 'ok\n' });
});

test('a token in the address becomes a cookie, and leaves the address', async () => {
  const desk = await openDesk(TOKENS);
  expect(desk.dashboard.url).not.toContain('token');
  for (const [token, access] of [
    [VIEW, 'view'],
    [CONTROL, 'control'],
  ] as const) {
    const link = desk.dashboard.links![access];
    expect(link).toBe(`${desk.dashboard.url}?token=${token}`);
    const entered = await desk.get(link);
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/']);
    const [cookie, ...attributes] = entered.headers.get('set-cookie')!.split('; ');
    expect(attributes).toEqual(expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/']));
    expect(cookie).not.toContain(token);
    expect(await entered.text()).toBe('');
    expect((await desk.get('/metrics', { headers: { cookie: `a=b; ${cookie}` } })).status).toBe(200);
    const browser = await Browser.connect(desk.dashboard, { headers: { cookie: cookie! } });
    browser.send({ type: 'hello', v: 1 });
    expect(await browser.next('hello')).toMatchObject({ access });
  }
});

test('a token in the address works on the first page only', async () => {
  const desk = await openDesk(TOKENS);
  for (const path of ['/metrics', '/pictures/q1/0.png', '/versions/1.tar'])
    expect((await desk.get(`${path}?token=${CONTROL}`)).status).toBe(401);
});

test('no token is in anything that the daemon may log', async () => {
  const desk = await openDesk(TOKENS);
  desk.daemon.versionFolders.set(1, `${desk.daemon.folder}/gone`);
  await desk.get(`/?token=${CONTROL}`);
  await desk.get('/versions/1.tar', bearer(CONTROL));
  expect(desk.errors).toHaveLength(1);
  expect(JSON.stringify(desk.errors.map((error) => (error as Error).stack))).not.toMatch(/token-0123/);
});

test('after ten wrong tokens an address must wait, even with the right one', async () => {
  const desk = await openDesk(TOKENS);
  for (let i = 0; i < 10; i++) expect((await desk.get('/metrics', bearer(`wrong-${i}`))).status).toBe(401);
  expect((await desk.get('/metrics', bearer(VIEW))).status).toBe(429);
  expect((await desk.get(`/?token=${VIEW}`)).status).toBe(429);
  expect(await turnedAway(desk.dashboard, bearer(VIEW))).toMatchObject({ status: 429 });
  expect((await desk.get('/healthz')).status).toBe(200);
  desk.clock.advance(60_000);
  expect((await desk.get('/metrics', bearer(VIEW))).status).toBe(200);
});

test('one more page than maxClients is turned away', async () => {
  const { dashboard } = await openDesk({ maxClients: 2 });
  const [first] = [await Browser.open(dashboard), await Browser.open(dashboard)];
  expect(await turnedAway(dashboard)).toMatchObject({
    status: 503,
    words: expect.stringContaining('dashboard.maxClients') as string,
  });
  first.socket.close();
  await first.closed;
  await Browser.open(dashboard);
});

test('headers that are too long are refused', async () => {
  expect((await raw(await openDesk(), '/metrics', { cookie: 'x'.repeat(10_000) })).status).toBe(431);
});

test('tokens that are not configured are made once, and kept for this user alone', () => {
  const runFolder = temporaryFolder();
  const options = { host: '0.0.0.0', runFolder, environment: {} };
  const tokens = tokensOf(options)!;
  expect(tokensOf(options)).toEqual(tokens);
  expect(tokens.view).not.toBe(tokens.control);
  expect(tokens.view.length).toBeGreaterThanOrEqual(43);
  const file = join(runFolder, 'dashboard-tokens.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(tokens);
  const given = { QUORUM_DASHBOARD_VIEW_TOKEN: 'v'.repeat(20), QUORUM_DASHBOARD_CONTROL_TOKEN: 'c'.repeat(20) };
  expect(tokensOf({ ...options, environment: given })).toEqual({ view: 'v'.repeat(20), control: 'c'.repeat(20) });
  expect(tokensOf({ ...options, viewToken: VIEW, environment: given })).toEqual({
    view: VIEW,
    control: 'c'.repeat(20),
  });
});

test('tokens that are too short or the same are refused', () => {
  const options = { host: '127.0.0.1', runFolder: '/nowhere' };
  const short = { QUORUM_DASHBOARD_VIEW_TOKEN: 'short' };
  expect(() => tokensOf({ ...options, environment: short })).toThrow(/QUORUM_DASHBOARD_VIEW_TOKEN has 5 characters/);
  expect(() => tokensOf({ ...options, viewToken: VIEW, controlToken: VIEW, environment: {} })).toThrow(InputError);
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['localhost', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example', false],
  ['192.168.1.2', false],
])('%s is a loopback address: %s', (host, is) => expect(isLoopback(host)).toBe(is));
