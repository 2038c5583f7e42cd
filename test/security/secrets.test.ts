/** What a run writes down, who may read it, and what its threads are given. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { filter, firstValueFrom } from 'rxjs';
import { expect, onTestFinished, test } from 'vitest';
import { WorkerPool } from '../../src/compute/threads/pool.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { threadEnvironment } from '../../src/lib/thread-environment.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const SECRETS = [
  'view-token-8f3a91c2',
  'control-token-77d0b6e4',
  'hunter2-in-the-url',
  'sk-key-in-a-header',
  'key-of-a-later-plug-in',
  'hf_from_the_environment',
];

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

function ask(socket: string, request: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = connect(socket).setEncoding('utf8');
    let text = '';
    client.on('data', (chunk: string) => (text += chunk));
    client.once('error', reject).once('end', () => resolve(text));
    client.write(`${JSON.stringify(request)}\n`);
  });
}

/** A run with secrets at every place where there may be some; `look` is called while it runs. */
async function secretive(
  look: (run: string, socket: string) => void = () => {},
): Promise<{ readonly folder: string; readonly said: string }> {
  const [viewToken, controlToken, password, key, later, token] = SECRETS as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  process.env['HF_TOKEN'] = token;
  onTestFinished(() => void delete process.env['HF_TOKEN']);
  // Nobody listens there: what the plug-in says of it is in the log.
  const webhook = {
    use: 'quorum/plugins/webhook',
    options: {
      url: `http://me:${password}@127.0.0.1:9/?key=${password}`,
      headers: { authorization: key },
      attempts: 1,
    },
  };
  const { folder, config } = toyRun({
    loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
    dashboard: { port: null, viewToken, controlToken },
    plugins: [webhook],
  });
  const reportFile = join(folder, 'report.json');
  const daemon = await startDaemon(config, { reportFile, createPolicy: () => new ToyPolicy() });
  const socket = join(config.runFolder, 'daemon.sock');
  const added = await ask(socket, { type: 'plugin.add', use: './no-such-plug-in.ts', options: { apiKey: later } });
  await firstValueFrom(daemon.status$().pipe(filter(({ version }) => version >= 4)));
  look(config.runFolder, socket);
  const said = [
    added,
    await ask(socket, { type: 'status' }),
    await ask(socket, { type: 'plugins' }),
    JSON.stringify(await daemon.stop()),
  ];
  return { folder, said: said.join('\n') };
}

test('no secret is in what a run writes down: configuration, database, log, report, status', async () => {
  const { folder, said } = await secretive();
  const texts = [...filesIn(folder).map((file) => readFileSync(file, 'latin1')), said];
  expect(texts.some((text) => text.includes('no-such-plug-in'))).toBe(true);
  expect(texts.some((text) => text.includes('127.0.0.1:9'))).toBe(true);
  for (const secret of SECRETS)
    expect([secret, texts.filter((text) => text.includes(secret)).length]).toEqual([secret, 0]);
});

test('no other user of the machine reads a run folder, its database, its log, or speaks to its daemon', async () => {
  const closed: string[] = [];
  await secretive((run, socket) => {
    expect(statSync(run).mode & 0o777).toBe(0o700);
    const own = ['quorum.db', 'quorum.db-wal', 'config.json', 'run.json', 'daemon.json', 'log/quorum.log'].map((name) =>
      join(run, name),
    );
    for (const file of [...own, socket]) {
      expect([file, statSync(file).mode & 0o077]).toEqual([file, 0]);
      closed.push(file);
    }
  });
  expect(closed).toHaveLength(7);
});

test('threads that compute see of the environment what they need, and no token', async () => {
  const environment = {
    HF_TOKEN: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    NPM_TOKEN: 'c',
    DATABASE_URL: 'd',
    PATH: '/bin',
    LC_ALL: 'C',
  };
  expect(threadEnvironment({ ...environment, ORT_DISABLE_TELEMETRY: '1' })).toEqual({
    PATH: '/bin',
    LC_ALL: 'C',
    ORT_DISABLE_TELEMETRY: '1',
  });

  const threads = createRequire(import.meta.url)('node:worker_threads') as { Worker: typeof Worker };
  const Whole = threads.Worker;
  const given: WorkerOptions['env'][] = [];
  threads.Worker = class extends Whole {
    constructor(file: string | URL, options: WorkerOptions = {}) {
      given.push(options.env);
      super(file, options);
    }
  };
  onTestFinished(() => void (threads.Worker = Whole));
  const setup = {
    role: 'rollout',
    baseFolder: temporaryFolder(),
    engine: 'cpu',
    threads: 1,
    maxRows: 16,
    pass: { groups: 2 },
  } as const;
  await using pool = new WorkerPool({ setup, threads: 1, maxQueue: 1, startSeconds: 60 });
  await expect(pool.ready()).rejects.toThrow('config.json');
  expect(given).toEqual([threadEnvironment()]);
});
