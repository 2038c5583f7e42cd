/**
 * A daemon and worker processes of this machine learn the bundled model on figures, while a worker is killed with
 * SIGKILL at a fixed interval and a new one takes its place; then the daemon learns the same alone. At staleness 0 both
 * runs must end with the same weights, to the bit. `QUORUM_NATS_SERVER` names the program if it is not on the PATH.
 *
 *     npx tsx bench/workers-killed.ts [--steps 30] [--workers 3] [--seconds 30] [--seed 0] [--set KEY=VALUE ...]
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { startNatsServer } from '../src/cluster/nats-server.ts';
import { completeConfig } from '../src/config/load.ts';
import { applyOverrides } from '../src/config/override.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../src/daemon/daemon.ts';
import { Random } from '../src/data/rng.ts';
import { packagePath } from '../src/lib/package-path.ts';
import type { Report } from '../src/protocol/status.ts';
import { freePort } from '../test/support/free-port.ts';
import { table, type Row } from './measure.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '30' },
    workers: { type: 'string', default: '3' },
    /** Between two kills. */
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '0' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const QUORUM = packagePath('bin/quorum.js');
const WORKERS = Number(values.workers);
const JOIN_MILLISECONDS = 120_000;
const INPUT = {
  model: packagePath('models/mini'),
  seed: Number(values.seed),
  loop: { steps: Number(values.steps), maxStaleness: 0, jobQuestions: 8 },
  evaluation: { everySteps: 10, fullEverySteps: 1_000_000, questions: 400, fullQuestions: 400 },
  dashboard: { port: null },
} satisfies ConfigInput;

interface Outcome {
  readonly report: Report;
  /** SHA-256 of the last version. */
  readonly weights: string;
}

/** Killed and sampled with workers. */
interface Deaths {
  readonly kills: number;
  /** Groups that were taken from workers, evaluations included. */
  readonly groups: number;
  readonly notes: readonly string[];
}

async function learn<T>(folder: string, own: ConfigInput, beside: (daemon: DaemonHandle) => Promise<T>) {
  const input = applyOverrides({ ...INPUT, runFolder: join(folder, 'run'), ...own }, values.set, process.cwd());
  await using daemon = await startDaemon(completeConfig(input).config);
  const seen = await beside(daemon);
  const report = await daemon.closed();
  if (report.end !== 'steps') throw new Error(report.error ?? report.end);
  const bytes = await readFile(join(report.folder, 'model.safetensors'));
  return { seen, outcome: { report, weights: createHash('sha256').update(bytes).digest('hex') } satisfies Outcome };
}

/** Worker processes, numbered in the order of their starts. */
class Herd implements AsyncDisposable {
  readonly #options: readonly string[];
  readonly #alive: ChildProcess[] = [];
  #started = 0;

  constructor(nats: string, cache: string) {
    this.#options = ['worker', '--join', nats, '--cache', cache];
  }

  start(): void {
    const name = `worker-${this.#started++}`;
    const command = [QUORUM, ...this.#options, '--name', name];
    this.#alive.push(spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit'] }));
  }

  /** @throws Error for a worker that has ended by itself. */
  async kill(index: number): Promise<void> {
    const [child] = this.#alive.splice(index, 1);
    if (child!.exitCode !== null) throw new Error(`a worker ended with exit code ${child!.exitCode}`);
    const exit = once(child!, 'exit');
    child!.kill('SIGKILL');
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#alive.length > 0) await this.kill(0).catch((error: Error) => console.error(error.message));
  }
}

async function underFire(daemon: DaemonHandle, herd: Herd): Promise<Deaths> {
  await daemon.pause();
  for (let i = 0; i < WORKERS; i++) herd.start();
  const isReady = ({ workers = [] }: ReturnType<DaemonHandle['status']>): boolean =>
    workers.filter(({ state }) => state === 'working').length === WORKERS;
  await firstValueFrom(daemon.status$().pipe(filter(isReady), timeout(JOIN_MILLISECONDS)));
  await daemon.resume();
  const over = new AbortController();
  const ended = daemon.closed().finally(() => over.abort());
  const random = new Random(INPUT.seed, 'deaths of workers');
  let kills = 0;
  while (await sleep(1_000 * Number(values.seconds), true, { signal: over.signal }).catch(() => false)) {
    await herd.kill(random.int(0, WORKERS - 1));
    herd.start();
    console.error(`version ${daemon.status().version}: ${(kills += 1)} killed`);
  }
  await ended;
  const { workers = [], notes } = daemon.status();
  return {
    kills,
    groups: workers.reduce((sum, { groups }) => sum + groups, 0),
    notes: notes.map(({ text }) => text).filter((text) => /parked|samples it itself|cannot/.test(text)),
  };
}

async function withWorkers(folder: string) {
  await using nats = await startNatsServer(join(folder, 'nats'), await freePort());
  await using herd = new Herd(nats.url, join(folder, 'cache'));
  return await learn(folder, { cluster: { nats: nats.url } }, (daemon) => underFire(daemon, herd));
}

function rowsOf(name: string, { report, weights }: Outcome): Row[] {
  const { wallSeconds, pausedSeconds = 0, history, groups } = report;
  return [
    { name, value: wallSeconds - pausedSeconds, unit: 's', note: `weights ${weights.slice(0, 16)}` },
    ...history.map(({ version, greedy }): Row => {
      return { name: `  accuracy of version ${version}`, value: 100 * greedy, unit: '%' };
    }),
    { name: '  groups sampled to learn', value: groups.sampled, unit: 'groups' },
  ];
}

async function bench(): Promise<void> {
  execFileSync(process.execPath, [QUORUM, '--version']); // builds what is out of date, before workers do it side by side
  const folder = await mkdtemp(join(tmpdir(), 'quorum-workers-killed-'));
  try {
    const cluster = await withWorkers(join(folder, 'cluster'));
    const { kills, groups, notes } = cluster.seen;
    const rows = rowsOf(`${WORKERS} workers, one killed every ${values.seconds} s`, cluster.outcome);
    rows.push({ name: '  workers killed', value: kills, unit: 'kills' });
    rows.push({ name: '  groups from workers, with evaluations', value: groups, unit: 'groups' });
    console.log(table(rows));
    for (const note of notes) console.log(`  note: ${note}`);
    const alone = await learn(join(folder, 'alone'), {}, () => Promise.resolve());
    console.log(table(rowsOf('the daemon alone', alone.outcome)));
    const isSame = alone.outcome.weights === cluster.outcome.weights;
    console.log(`the weights are ${isSame ? 'the same, to the bit' : 'not the same'}`);
    if (!isSame || kills === 0) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await bench();
