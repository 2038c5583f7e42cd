/**
 * Lets a daemon run for hours and samples what must not grow: memory, handles, threads, files, queues, the event loop's
 * lag. Exits with 1 when something grows, a queue is past its bound, the daemon ends, or the run folder is damaged
 * afterwards. Ctrl-C ends it early with its report. After an interruption, even of the machine, the same command
 * continues; the hours of all launches count.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { askDaemon } from '../src/cli/control-client.ts';
import { NoDaemonError } from '../src/cli/errors.ts';
import { packagePath } from '../src/lib/package-path.ts';
import { makeFolder } from '../src/lib/make-folder.ts';
import type { Status } from '../src/protocol/status.ts';
import { checkRun } from '../src/store/check-run.ts';
import { soakedHours, soakReport, type SoakSample } from './soak-report.ts';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '3' },
    every: { type: 'string', default: '30' },
    model: { type: 'string', default: packagePath('models/mini') },
    out: { type: 'string', default: packagePath('runs/soak') },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const out = resolve(values.out);
const run = join(out, 'run');
const samplesFile = join(out, 'samples.jsonl');

/** Small steps, and bounds on history that are reached within minutes, so that growth after that is a leak. */
const SETTINGS = [
  'dashboard.port=0',
  'sampling.samples=8',
  'loop.batchGroups=16',
  'evaluation.everySteps=10',
  'evaluation.questions=100',
  'guardian.mode=act',
  'store.maxGroups=1000',
  'store.maxEvents=500',
  'store.maxMetricPoints=200',
  'store.maxVersions=200',
  'store.maxAnswerVersions=10',
  'log.maxMegabytes=0.2',
  'log.maxFiles=3',
];
const PATIENCE_SECONDS = 120;

function start(): ChildProcess {
  const settings = [...SETTINGS, ...values.set].flatMap((set) => ['--set', set]);
  const options = ['start', '--model', values.model, '--run', run, ...settings];
  return spawn(process.execPath, [packagePath('bin/quorum.js'), ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
}

async function statusOf(): Promise<Status | undefined> {
  try {
    const reply = await askDaemon(run, { type: 'status' }, PATIENCE_SECONDS);
    return reply.type === 'status' ? reply.status : undefined;
  } catch (error) {
    if (error instanceof NoDaemonError) return undefined; // it has not started or has ended
    throw error;
  }
}

async function sample(pid: number, status: Status, launch: number): Promise<SoakSample> {
  const page = await (
    await fetch(new URL('/metrics', status.dashboard), { signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000) })
  ).text();
  const metric = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(page)?.[1]);
  const proc = `/proc/${pid}`;
  return {
    at: Date.now(),
    launch,
    version: status.version,
    accuracy: status.accuracy.now?.greedy ?? null,
    level: status.guardian?.level ?? null,
    restarts: status.actors.reduce((sum, { restarts }) => sum + restarts, 0),
    overfull: status.actors.flatMap(({ id, queue }) =>
      queue !== null && queue.size > queue.bound ? [`${id}: ${queue.name}`] : [],
    ),
    queued: status.actors.reduce((sum, { queue }) => sum + (queue?.size ?? 0), 0),
    rss: metric('quorum_process_resident_memory_bytes'),
    heap: metric('quorum_process_heap_used_bytes'),
    external: metric('quorum_process_external_bytes'),
    resources: metric('quorum_process_active_resources'),
    lag: metric('quorum_event_loop_lag_p99_seconds'),
    files: existsSync(proc) ? readdirSync(join(proc, 'fd')).length : null,
    threads: existsSync(proc) ? readdirSync(join(proc, 'task')).length : null,
    database: sizeOf('quorum.db'),
    wal: sizeOf('quorum.db-wal'),
    log: readdirSync(join(run, 'log')).reduce((sum, name) => sum + sizeOf(join('log', name)), 0),
    checkpoints: readdirSync(join(run, 'checkpoints')).length,
  };
}

function sizeOf(name: string): number {
  return statSync(join(run, name), { throwIfNoEntry: false })?.size ?? 0;
}

async function soak(hours: number, everySeconds: number): Promise<string[]> {
  const daemon = start();
  const gone = once(daemon, 'exit');
  const asked = new AbortController();
  process.once('SIGINT', () => asked.abort());
  const samples = stored();
  const launch = (samples.at(-1)?.launch ?? -1) + 1;
  try {
    while (soakedHours(samples) < hours && !asked.signal.aborted && daemon.exitCode === null) {
      const waited = pause(everySeconds * 1000, undefined, { signal: asked.signal }).catch(() => undefined);
      await Promise.race([waited, gone]);
      const status = await statusOf();
      // Until its first step the daemon opens the model and measures the base.
      if (status?.dashboard === undefined || status.version === 0) continue;
      const now = await sample(daemon.pid!, status, launch);
      samples.push(now);
      appendFileSync(samplesFile, `${JSON.stringify(now)}\n`);
      console.log(
        `version ${now.version}, accuracy ${now.accuracy ?? '-'}, ${now.level ?? '-'}, ${Math.round(now.rss / 2 ** 20)} MiB`,
      );
    }
    if (daemon.exitCode !== null) return [`the daemon ended early with exit code ${daemon.exitCode}`];
    await askDaemon(run, { type: 'stop' }, 600);
    const [code] = (await gone) as [number | null];
    const { findings } = await checkRun(run);
    return [
      ...(code === 0 ? [] : [`the daemon ended with exit code ${code}`]),
      ...findings.filter(({ harmless }) => !harmless).map(({ path, problem }) => `${path} ${problem}`),
    ];
  } finally {
    daemon.kill('SIGKILL');
  }
}

function stored(): SoakSample[] {
  if (!existsSync(samplesFile)) return [];
  const lines = readFileSync(samplesFile, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as SoakSample);
}

makeFolder(out);
const problems = await soak(Number(values.hours), Number(values.every));
const { text, failures } = soakReport(stored(), problems);
writeFileSync(join(out, 'soak.md'), `${text}\n`);
console.log(text);
if (failures.length > 0) process.exitCode = 1;
