/** Watchers and exporters get every version and every evaluation, at any kind of end of a run. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import { API_VERSION, definePlugin } from '../../src/plugin/define.ts';
import type { LoopEvent } from '../../src/protocol/ports.ts';
import { openStore } from '../../src/store/open-store.ts';
import { readEvents } from '../support/event-file.ts';
import { recordOf } from '../support/recorder.ts';
import { launchToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { ToyPolicy, type ToyFaults } from '../support/toy-policy.ts';
import { toyRun } from '../support/toy-run.ts';

const RECORDER = fileURLToPath(new URL('../support/recorder.ts', import.meta.url));
const BUILT_IN = ['quorum/plugins/tensorboard', 'quorum/plugins/jsonl'];

const input = (steps: number | null, die?: object): ConfigInput => ({
  loop: { steps, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
  evaluation: { everySteps: 1 },
  supervision: { maxRestarts: 1, backoffMilliseconds: 1 },
  plugins: [{ use: RECORDER, options: die === undefined ? {} : { die } }, ...BUILT_IN],
});

async function start(folder: string, config: ConfigInput, faults: ToyFaults = {}): Promise<DaemonHandle> {
  const run = toyRun(config, folder);
  const daemon = await startDaemon(run.config, {
    createPolicy: (_, { checkpoint }) =>
      new ToyPolicy({ learningRate: 1e-3, faults, ...(checkpoint ? { checkpoint } : {}) }),
  });
  onTestFinished(async () => void (await daemon.stop()));
  return daemon;
}

const reached = (daemon: DaemonHandle, version: number) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.version >= version)));

/** The store's records, and the records of each watcher and exporter in order. */
function heard(folder: string) {
  const run = join(folder, 'run');
  const lines = (file: string) =>
    readFileSync(join(run, 'plugins', file), 'utf8')
      .trimEnd()
      .split('\n');
  const events = (told: readonly string[]) =>
    told.map((line) => recordOf(JSON.parse(line) as LoopEvent)).filter((record) => record !== null);
  const board = readdirSync(join(run, 'plugins', 'tensorboard')).toSorted();
  const scalars = board.flatMap((name) => readEvents(readFileSync(join(run, 'plugins', 'tensorboard', name))).slice(1));
  using store = openStore(join(run, 'quorum.db'));
  const stored = store.exportPage({ version: 0, evaluation: 0 }, 10_000).records.map(recordOf);
  return {
    stored: stored.filter((record) => record !== null),
    by: {
      watcher: lines('recorder/watch.txt'),
      exporter: lines('recorder/export.txt'),
      jsonl: events(lines('jsonl/events.jsonl')),
      tensorboard: scalars.map(({ step, scalars: shown }) => {
        if ('learner/loss' in shown) return `learnt ${step}`;
        return `evaluated ${step}${'held-out/passK' in shown ? ' in full' : ''}`;
      }),
    },
  };
}

/** Each got every stored record; exactly once, unless repeats are allowed. */
function expectAll(folder: string, least: number, isOnce = true): void {
  const { stored, by } = heard(folder);
  expect(stored.length).toBeGreaterThanOrEqual(least);
  for (const [name, records] of Object.entries(by)) {
    const told = isOnce ? records : [...new Set(records)];
    expect([name, told.toSorted()]).toEqual([name, stored.toSorted()]);
  }
}

describe('every version and evaluation is heard of', () => {
  test('when the steps are reached, and over the next start', async () => {
    const folder = temporaryFolder();
    await (await start(folder, input(3))).closed();
    // three steps; the base, version 3 and, in full, version 3; evaluations in between may be passed over
    expectAll(folder, 6);
    await (await start(folder, input(5))).closed();
    expectAll(folder, 9);
  });

  test('at a stop by command', async () => {
    const folder = temporaryFolder();
    const daemon = await start(folder, input(null));
    await reached(daemon, 3);
    await daemon.stop();
    expectAll(folder, 4);
  });

  test('when the run fails', async () => {
    const folder = temporaryFolder();
    const beforeLearn: ToyFaults['beforeLearn'] = ({ parent }) => {
      if (parent === 3) throw new Error('no more');
    };
    expect(await (await start(folder, input(null), { beforeLearn })).closed()).toMatchObject({ end: 'failed' });
    expectAll(folder, 4);
  });

  test('when the process is killed, by the end of the next start, at least once; also when a signal ends that', async () => {
    const folder = temporaryFolder();
    const killed = { port: 'watch', at: 'learnt 2', signal: 'SIGKILL' };
    expect(await launchToy(folder, input(null, killed), 'none')).toBeUndefined();
    const terminated = { port: 'export', at: 'learnt 4', signal: 'SIGTERM' };
    expect(await launchToy(folder, input(null, terminated), 'none')).toMatchObject({ end: 'stopped' });
    expectAll(folder, 5, false);
  }, 120_000);
});

test('the webhook has delivered the last version and its evaluation when the daemon has stopped', async () => {
  const got: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push(recordOf(JSON.parse(body) as LoopEvent) ?? 'judged');
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const folder = temporaryFolder();
  const options = { url, events: ['learnt', 'evaluated'] };
  await (await start(folder, { ...input(3), plugins: [{ use: 'quorum/plugins/webhook', options }] })).closed();
  using store = openStore(join(folder, 'run', 'quorum.db'));
  const stored = store.exportPage({ version: 0, evaluation: 0 }, 10_000).records.map(recordOf);
  expect(got.toSorted()).toEqual(stored.filter((record) => record !== null).toSorted());
});

test('the end waits only up to a limit for a plug-in that does not take the last events, and names it', async () => {
  const hangs = () => () => new Promise<void>(() => {});
  const stuck = definePlugin({ name: 'stuck', apiVersion: API_VERSION, ports: { watch: hangs, export: hangs } });
  const daemon = await start(temporaryFolder(), { ...input(2), timeouts: { stopSeconds: 1 }, plugins: [stuck] });
  expect(await daemon.closed()).toMatchObject({ end: 'steps' });
  const rest = 'watcher-stuck, exporter-stuck will hear of the rest at the next start';
  expect(daemon.status().notes.at(-1)?.text).toBe(
    `telling watchers and exporters the last events: not done after 1 s: ${rest}`,
  );
}, 60_000);
