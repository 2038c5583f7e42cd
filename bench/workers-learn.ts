/**
 * A daemon learns the bundled model on figures alone, with one learner worker and with two, all processes on this machine;
 * at staleness 0 all runs must end with the same weights, to the bit. The processes share the cores, so a run shows what
 * a worker costs, not what a further machine gains. `QUORUM_NATS_SERVER` names the program if it is not on the PATH.
 *
 *     npx tsx bench/workers-learn.ts [--steps 6] [--workers 2] [--seed 0] [--set KEY=VALUE ...]
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { filter, firstValueFrom, timeout } from 'rxjs';
import { startNatsServer } from '../src/cluster/nats-server.ts';
import { completeConfig } from '../src/config/load.ts';
import { applyOverrides } from '../src/config/override.ts';
import type { ConfigInput } from '../src/config/schema.ts';
import { startDaemon } from '../src/daemon/daemon.ts';
import { packagePath } from '../src/lib/package-path.ts';
import { openStore } from '../src/store/open-store.ts';
import { freePort } from '../test/support/free-port.ts';
import { table, type Row } from './measure.ts';

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '6' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const QUORUM = packagePath('bin/quorum.js');
const JOIN_MILLISECONDS = 120_000;
const INPUT = {
  model: packagePath('models/mini'),
  seed: Number(values.seed),
  loop: { steps: Number(values.steps), maxStaleness: 0 },
  evaluation: { everySteps: 1_000_000, fullEverySteps: 1_000_000, questions: 4, fullQuestions: 4 },
  dashboard: { port: null },
} satisfies ConfigInput;

interface Outcome {
  /** Of each step. */
  readonly seconds: readonly number[];
  /** Taken from each worker. */
  readonly passes: readonly number[];
  /** SHA-256 and bytes of the last version. */
  readonly weights: string;
  readonly bytes: number;
}

async function learn(folder: string, nats: string, workers: number): Promise<Outcome> {
  const own: ConfigInput = workers === 0 ? {} : { cluster: { nats } };
  const input = applyOverrides({ ...INPUT, runFolder: join(folder, 'run'), ...own }, values.set, process.cwd());
  const children: ChildProcess[] = [];
  try {
    await using daemon = await startDaemon(completeConfig(input).config);
    if (workers > 0) await daemon.pause();
    for (let i = 0; i < workers; i++) {
      const options = ['--join', nats, '--roles', 'learner', '--name', `worker-${i}`, '--cache', join(folder, 'cache')];
      children.push(
        spawn(process.execPath, [QUORUM, 'worker', ...options], { stdio: ['ignore', 'ignore', 'inherit'] }),
      );
    }
    const areReady = ({ workers: list = [] }: ReturnType<typeof daemon.status>): boolean =>
      list.filter(({ state }) => state === 'working').length === workers;
    await firstValueFrom(daemon.status$().pipe(filter(areReady), timeout(JOIN_MILLISECONDS)));
    if (workers > 0) await daemon.resume();
    const report = await daemon.closed();
    if (report.end !== 'steps') throw new Error(report.error ?? report.end);
    const passes = (daemon.status().workers ?? []).map((worker) => worker.passes);
    const file = await readFile(join(report.folder, 'model.safetensors'));
    using store = openStore(join(daemon.runFolder, 'quorum.db'));
    const seconds = store
      .versions(1_000)
      .toReversed()
      .flatMap(({ metrics }) => (metrics ? [metrics.seconds] : []));
    return { seconds, passes, weights: createHash('sha256').update(file).digest('hex'), bytes: file.length };
  } finally {
    for (const child of children) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
  }
}

function rowsOf(workers: number, { seconds, passes, weights, bytes }: Outcome): Row[] {
  // The first step compiles programs.
  const later = seconds.slice(1).toSorted((a, b) => a - b);
  const steps = seconds.length;
  const taken = passes.reduce((sum, each) => sum + each, 0);
  return [
    { name: `${workers} learner workers: a step, median`, value: later[Math.floor(later.length / 2)]!, unit: 's' },
    { name: '  passes of workers, a step', value: taken / steps, unit: 'passes', note: passes.join(' + ') },
    { name: '  gradients into the daemon, a step', value: (taken * bytes) / steps / 1e6, unit: 'MB' },
    { name: '  weights', value: bytes / 1e6, unit: 'MB', note: weights.slice(0, 16) },
  ];
}

async function bench(): Promise<void> {
  execFileSync(process.execPath, [QUORUM, '--version']); // builds what is out of date, before workers do it side by side
  const folder = await mkdtemp(join(tmpdir(), 'quorum-workers-learn-'));
  try {
    await using nats = await startNatsServer(join(folder, 'nats'), await freePort());
    const hashes = new Set<string>();
    for (let workers = 0; workers <= Number(values.workers); workers++) {
      const outcome = await learn(join(folder, String(workers)), nats.url, workers);
      hashes.add(outcome.weights);
      console.log(table(rowsOf(workers, outcome)));
    }
    console.log(`the weights are ${hashes.size === 1 ? 'the same, to the bit' : 'not the same'}`);
    if (hashes.size > 1) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await bench();
