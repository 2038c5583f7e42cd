/** Pages, pictures, downloads, metrics and probes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { startDashboard } from '../../../dashboards/server/server.ts';
import { InputError } from '../../../src/protocol/errors.ts';
import type { Phase } from '../../../src/protocol/status.ts';
import { RUNNING, STARTING, WORKERS } from '../../cli/view/status.ts';
import { Browser, openDesk, type Desk } from './support/browser.ts';
import { FakeDaemon } from './support/fake-daemon.ts';

function build({ daemon }: Desk): void {
  mkdirSync(join(daemon.folder, 'client/assets'), { recursive: true });
  writeFileSync(join(daemon.folder, 'client/index.html'), '<!doctype html><title>Quorum</title>');
  writeFileSync(join(daemon.folder, 'client/icon.svg'), '<svg/>');
  writeFileSync(join(daemon.folder, 'client/assets/index-B3x9.js'), 'export {};');
}

test('pages: the index is asked for anew, hashed assets never again', async () => {
  const desk = await openDesk();
  build(desk);
  const index = await desk.get('/');
  expect([index.status, index.headers.get('content-type'), index.headers.get('cache-control')]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  expect(await index.text()).toContain('<title>Quorum</title>');
  const again = await desk.get('/', { headers: { 'if-none-match': index.headers.get('etag')! } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  const asset = await desk.get('/assets/index-B3x9.js');
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  expect((await desk.get('/icon.svg')).headers.get('content-type')).toBe('image/svg+xml');
  const head = await desk.get('/', { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '36', '']);
});

test.each([
  '/../quorum.db',
  '/%2e%2e/quorum.db',
  '/assets/../../quorum.db',
  '/assets/%2e%2e%2f%2e%2e%2fquorum.db',
  '//etc/passwd',
  '/assets',
  '/nowhere',
  '/index.html/',
])('no file but the pages is served: %s', async (path) => {
  const desk = await openDesk();
  build(desk);
  const status = await new Promise<string>((resolve) => {
    const socket = connect(desk.dashboard.port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    socket.once('data', (data: Buffer) => resolve(data.toString().split('\r\n')[0]!));
  });
  expect(status).toBe('HTTP/1.1 404 Not Found');
});

test('without pages it says how to build them', async () => {
  const answer = await (await openDesk()).get('/');
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('npm run build');
});

test("a picture is the question's, as PNG, made once", async () => {
  const { daemon, get } = await openDesk();
  daemon.judge(0);
  const [picture, same] = await Promise.all([get('/pictures/q0/0.png'), get('/pictures/q0/0.png')]);
  expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/png']);
  const { data, info } = await sharp(await picture.arrayBuffer())
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 3, height: 2, channels: 3 });
  expect(new Uint8Array(data)).toEqual((await daemon.picture()).data);
  daemon.decoded -= 1;
  const known = await get('/pictures/q0/0.png', { headers: { 'if-none-match': same.headers.get('etag')! } });
  expect(known.status).toBe(304);
  expect(daemon.decoded).toBe(1);
});

test.each(['/pictures/q0/1.png', '/pictures/nobody/0.png', '/pictures/%E0%A4%A/0.png', '/pictures/q0/9999.png'])(
  '%s: there is none, in words',
  async (path) => {
    const { daemon, get } = await openDesk();
    daemon.judge(0);
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toMatch(/picture|URL/);
    expect(daemon.decoded).toBe(0);
  },
);

test("a version is downloaded as its Hugging Face folder, without the trainer's own files", async () => {
  const { daemon, get } = await openDesk();
  const folder = join(daemon.folder, 'v7');
  mkdirSync(folder);
  const weights = Buffer.alloc(3_000_001, 'w');
  const files = { 'config.json': Buffer.from('{}'), 'model.safetensors': weights, 'empty.txt': Buffer.alloc(0) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  for (const name of ['optimizer.safetensors', 'trainer_state.json', 'checksums.json'])
    writeFileSync(join(folder, name), 'ours');
  daemon.versionFolders.set(7, folder);
  const answer = await get('/versions/7.tar');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="quorum-v7.tar"');
  const found: Record<string, Buffer> = {};
  const reader = extract();
  reader.end(Buffer.from(await answer.arrayBuffer()));
  for await (const entry of reader) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    found[entry.header.name] = Buffer.concat(parts);
  }
  expect(Object.keys(found)).toEqual(['quorum-v7/config.json', 'quorum-v7/empty.txt', 'quorum-v7/model.safetensors']);
  for (const [name, bytes] of Object.entries(files)) expect(found[`quorum-v7/${name}`]!.equals(bytes)).toBe(true);
});

test('a version that is not on disk is named, with those that are', async () => {
  const { daemon, get } = await openDesk();
  expect(await (await get('/versions/9.tar')).text()).toBe('version 9 is not on disk; none is saved yet\n');
  for (const n of [25, 5]) daemon.versionFolders.set(n, daemon.folder);
  const answer = await get('/versions/9.tar');
  expect([answer.status, await answer.text()]).toEqual([404, 'version 9 is not on disk; saved are 5, 25\n']);
});

test('an aborted download costs nothing further', async () => {
  const { daemon, dashboard, errors } = await openDesk();
  writeFileSync(join(daemon.folder, 'model.safetensors'), Buffer.alloc(50_000_000));
  daemon.versionFolders.set(1, daemon.folder);
  for (let i = 0; i < 5; i++) {
    const broken = new AbortController();
    // Two run at once: the third begins once the server has noticed that the first is gone.
    const begin = () => fetch(new URL('/versions/1.tar', dashboard.url), { signal: broken.signal });
    let answer = await begin();
    while (answer.status === 503) answer = await begin();
    expect(answer.status).toBe(200);
    broken.abort();
    await expect(answer.arrayBuffer()).rejects.toThrow(/aborted/);
  }
  expect(errors).toEqual([]);
});

test.each<[Phase, number]>([
  ['starting', 503],
  ['baseline', 200],
  ['running', 200],
  ['paused', 200],
  ['stopping', 503],
  ['draining', 503],
  ['stopped', 503],
  ['failed', 503],
])('in phase %s /readyz says %i and /healthz that the process lives', async (phase, status) => {
  const { daemon, get } = await openDesk();
  daemon.tick({ phase });
  expect((await get('/readyz')).status).toBe(status);
  expect((await get('/healthz')).status).toBe(200);
});

/** Name with labels -> value; fails on a line that Prometheus could not read. */
function parse(page: string): Record<string, number> {
  const values: Record<string, number> = {};
  const typed = new Set<string>();
  for (const line of page.split('\n').filter((text) => text !== '')) {
    const type = /^# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge)$/.exec(line);
    if (type) typed.add(type[1]!);
    if (line.startsWith('# ')) {
      expect(line).toMatch(/^# (HELP [a-z_:][a-z0-9_:]* \S.*|TYPE [a-z_:][a-z0-9_:]* (counter|gauge))$/);
      continue;
    }
    const sample = /^([a-z_:][a-z0-9_:]*)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (\S+)$/.exec(line);
    if (!sample) throw new Error(`Prometheus cannot read ${line}`);
    expect(typed).toContain(sample[1]);
    values[`${sample[1]}${sample[2] ?? ''}`] = Number(sample[3]);
  }
  return values;
}

test('metrics are what the status says, in a form that Prometheus reads', async () => {
  const { dashboard, get } = await openDesk();
  await Browser.open(dashboard);
  const answer = await get('/metrics');
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const values = parse(await answer.text());
  expect(values).toMatchObject({
    quorum_policy_version: 48,
    quorum_accuracy_ratio: 0.793,
    quorum_vote_share_ratio: 0.712,
    quorum_reward_mean: 0.683,
    quorum_kl_nats: 0.01312,
    quorum_entropy_nats: 0.4123,
    quorum_rollout_tokens_per_second: 5234,
    quorum_learner_tokens_per_second: 12_345,
    quorum_staleness_versions: 1,
    quorum_process_resident_memory_bytes: 812_000_000,
    'quorum_phase{phase="running"}': 1,
    'quorum_phase{phase="paused"}': 0,
    'quorum_groups_total{outcome="learnt"}': 1536,
    'quorum_groups_total{outcome="all-agree"}': 590,
    'quorum_actor_restarts_total{actor="evaluator",role="evaluator"}': 2,
    'quorum_actor_busy_ratio{actor="learner",role="learner"}': 0.75,
    'quorum_queue_size{actor="learner",queue="windows"}': 1,
    'quorum_queue_bound{actor="learner",queue="windows"}': 96,
    quorum_dashboard_clients: 1,
    quorum_dashboard_dropped_updates_total: 0,
  });
  expect(values['quorum_event_loop_lag_p99_seconds']).toBeGreaterThan(0);
});

test('what was not measured yet is not in the metrics; what was is not counted twice', async () => {
  const { daemon, get } = await openDesk();
  const first = parse(await (await get('/metrics')).text());
  const again = parse(await (await get('/metrics')).text());
  expect(again['quorum_groups_total{outcome="learnt"}']).toBe(first['quorum_groups_total{outcome="learnt"}']);
  expect(first).not.toHaveProperty('quorum_mismatch_nats');
  daemon.statuses.next({
    ...STARTING,
    signals: {
      ...STARTING.signals,
      samplerGap: 0.01,
      samplerGapMax: 0.3,
      mismatch: 0.02,
      effectiveSamples: 0.9,
      maskedShare: 0.1,
    },
  });
  const corrected = parse(await (await get('/metrics')).text());
  expect(corrected).toMatchObject({
    quorum_sampler_gap_nats: 0.01,
    quorum_sampler_gap_max_nats: 0.3,
    quorum_mismatch_nats: 0.02,
    quorum_effective_samples_ratio: 0.9,
    quorum_masked_ratio: 0.1,
  });
  daemon.statuses.next(STARTING);
  const none = parse(await (await get('/metrics')).text());
  for (const name of [
    'quorum_accuracy_ratio',
    'quorum_kl_nats',
    'quorum_checkpoint_version',
    'quorum_staleness_versions',
  ]) {
    expect(none).not.toHaveProperty(name);
  }
  expect(Object.keys(none).filter((name) => name.includes('actor='))).toEqual([]);
});

test('the workers are in the metrics while there are any; one that left is only counted', async () => {
  const { daemon, get } = await openDesk();
  daemon.statuses.next({ ...RUNNING, workers: WORKERS });
  const values = parse(await (await get('/metrics')).text());
  const each = Object.entries(values).filter(([name]) => name.startsWith('quorum_worker'));
  const bytesOf = (worker: string, host: string) => ({
    [`quorum_worker_sent_bytes{worker="${worker}",host="${host}"}`]: 24_000_000,
    [`quorum_worker_received_bytes{worker="${worker}",host="${host}"}`]: 1_250_000_000,
  });
  expect(Object.fromEntries(each)).toEqual({
    'quorum_workers{state="opening"}': 0,
    'quorum_workers{state="working"}': 3,
    'quorum_workers{state="draining"}': 0,
    'quorum_workers{state="parked"}': 1,
    'quorum_workers{state="left"}': 1,
    'quorum_worker_groups_per_second{worker="gpu-a",host="rack-1"}': 0.5,
    'quorum_worker_groups_per_second{worker="gpu-c",host="rack-1"}': 0.5,
    'quorum_worker_groups_per_second{worker="cpu-a",host="rack-2"}': 0,
    'quorum_worker_groups_per_second{worker="gpu-d",host="rack-1"}': 0,
    'quorum_worker_passes{worker="gpu-a",host="rack-1"}': 0,
    'quorum_worker_passes{worker="gpu-c",host="rack-1"}': 0,
    'quorum_worker_passes{worker="cpu-a",host="rack-2"}': 0,
    'quorum_worker_passes{worker="gpu-d",host="rack-1"}': 36,
    'quorum_worker_lag_versions{worker="gpu-a",host="rack-1"}': 1,
    'quorum_worker_lag_versions{worker="gpu-c",host="rack-1"}': 1,
    'quorum_worker_lag_versions{worker="gpu-d",host="rack-1"}': 1,
    ...bytesOf('gpu-a', 'rack-1'),
    ...bytesOf('gpu-c', 'rack-1'),
    ...bytesOf('cpu-a', 'rack-2'),
    ...bytesOf('gpu-d', 'rack-1'),
  });
  daemon.statuses.next(RUNNING);
  expect(await (await get('/metrics')).text()).not.toMatch(/^quorum_worker/m);
});

test('what the curriculum knows is in the metrics while there is one', async () => {
  const { daemon, get } = await openDesk();
  const cluster = { name: 'clock · edges 7', questions: 9, asked: 8, kept: 5, retired: 4, returned: 3, forgotten: 1 };
  const curriculum = { fresh: 1, split: 2, known: 4, lost: 2, expected: 0.75, clusters: 1, most: [cluster] };
  daemon.statuses.next({ ...STARTING, curriculum });
  expect(parse(await (await get('/metrics')).text())).toMatchObject({
    quorum_curriculum_expected_ratio: 0.75,
    'quorum_curriculum_questions{last="split"}': 2,
    'quorum_curriculum_cluster_groups{cluster="clock · edges 7",which="forgotten"}': 1,
    'quorum_curriculum_cluster_retired{cluster="clock · edges 7"}': 4,
  });
  daemon.statuses.next(STARTING);
  const none = parse(await (await get('/metrics')).text());
  expect(Object.keys(none).filter((name) => name.startsWith('quorum_curriculum'))).toEqual([]);
});

test('a port in use is named, with the setting', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  const daemon = new FakeDaemon();
  const options = {
    host: '127.0.0.1',
    allowedHosts: [],
    maxClients: 1,
    runFolder: daemon.folder,
    clientFolder: daemon.folder,
    onError: () => {},
  };
  const starting = startDashboard(daemon, { ...options, port });
  await expect(starting).rejects.toThrow(InputError);
  await expect(starting).rejects.toThrow(
    `port ${port} is in use: set dashboard.port to another one (0 picks a free one`,
  );
  await new Promise((resolve) => taken.close(resolve));
  await expect(startDashboard(daemon, { ...options, port: 0, host: '192.0.2.1' })).rejects.toThrow(
    /192\.0\.2\.1 is not an address of this machine: set dashboard\.host/,
  );
});

test('closing tells the pages and frees the port', async () => {
  const { daemon, dashboard } = await openDesk();
  const browser = await Browser.open(dashboard);
  await dashboard.close();
  expect(await browser.closed).toEqual({ code: 1001, reason: 'the daemon stops' });
  const options = {
    host: '127.0.0.1',
    allowedHosts: [],
    maxClients: 1,
    runFolder: daemon.folder,
    clientFolder: daemon.folder,
    onError: () => {},
  };
  const next = await startDashboard(daemon, { ...options, port: dashboard.port });
  await next.close();
});
