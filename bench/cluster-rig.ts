/** The processes of one measurement of bench/cluster.ts, and what /proc and the NATS server count of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packagePath } from '../src/lib/package-path.ts';
import type { Ask, ClusterWork, Told } from './cluster-work.ts';

const START_MILLISECONDS = 60_000;
const LOOK_MILLISECONDS = 100;
const STOP_MILLISECONDS = 20_000;
/** Of /proc/PID/stat. */
const TICKS_A_SECOND = 100;
const QUESTIONS = 10_000;

export interface RigOptions {
  readonly workers: number;
  /** Of a worker's job. */
  readonly milliseconds: number;
  readonly weightBytes: number;
  /** Folder for a profile of the daemon. */
  readonly profile?: string | undefined;
}

/** Sums since the processes started. */
export interface Counts {
  readonly at: number;
  readonly groups: number;
  readonly version: number;
  /** By staleness, groups learnt from. */
  readonly staleness: readonly number[];
  /** Processor seconds. */
  readonly daemon: number;
  readonly nats: number;
  /** Into and out of the NATS server. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly rssBytes: number;
}

export class ClusterRig implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'quorum-cluster-'));
  readonly #children: ChildProcess[] = [];
  #daemon!: ChildProcess;
  #nats!: ChildProcess;
  #monitor = '';
  url = '';

  static async start(options: RigOptions): Promise<ClusterRig> {
    const rig = new ClusterRig();
    try {
      await rig.#startNats();
      await rig.#startDaemon(options);
      for (let i = 0; i < options.workers; i++) {
        const [name, folder] = [`worker-${i}`, join(rig.#folder, `worker-${i}`)];
        rig.#startWork({ role: 'worker', nats: rig.url, name, folder, milliseconds: options.milliseconds });
      }
      await rig.#untilWorking(options.workers);
      return rig;
    } catch (error) {
      await rig[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #startNats(): Promise<void> {
    const program = process.env['NATS_SERVER'] ?? 'nats-server';
    const [store, ports] = [join(this.#folder, 'nats'), this.#folder];
    const options = ['-js', '-sd', store, '-a', '127.0.0.1', '-p', '-1', '-m', '-1', '--ports_file_dir', ports];
    this.#nats = this.#keep(spawn(program, options, { stdio: 'ignore' }));
    let failure: Error | undefined;
    this.#nats.once('error', (error) => (failure = error));
    await until('nats-server has not started (its program: NATS_SERVER)', () => {
      if (failure) throw failure;
      const file = readdirSync(ports).find((name) => name.endsWith('.ports'));
      const text = file === undefined ? '' : readFileSync(join(ports, file), 'utf8');
      if (!text.trimEnd().endsWith('}')) return false;
      const { nats, monitoring } = JSON.parse(text) as { nats: string[]; monitoring: string[] };
      [this.url, this.#monitor] = [nats[0]!, monitoring[0]!];
      return true;
    });
  }

  async #startDaemon({ workers, weightBytes, profile }: RigOptions): Promise<void> {
    const questions = join(this.#folder, 'questions.jsonl');
    const line = (_: unknown, i: number): string =>
      JSON.stringify({ id: `q-${i}`, problem: `How much is ${i} + ${(7 * i) % 1_000}?`, images: [], answer: '7' });
    writeFileSync(questions, Array.from({ length: QUESTIONS }, line).join('\n'));
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    const model = packagePath('models/mini');
    const work = {
      role: 'daemon',
      nats: this.url,
      folder: this.#folder,
      questions,
      model,
      weightBytes,
      workers,
    } as const;
    this.#daemon = this.#startWork(work, profiling);
    await answer(this.#daemon);
  }

  /** The daemon gets the first core for itself, so that what it carries is what one core carries. */
  #startWork(work: ClusterWork, nodeOptions: readonly string[] = []): ChildProcess {
    const script = join(import.meta.dirname, `cluster-work${import.meta.filename.slice(-3)}`);
    const command = [...nodeOptions, ...process.execArgv, script, JSON.stringify(work)];
    const [program, options] =
      work.role === 'daemon'
        ? ['taskset', ['--cpu-list', '0', process.execPath, ...command]]
        : [process.execPath, command];
    return this.#keep(spawn(program, options, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#children.push(child);
    return child;
  }

  async #untilWorking(workers: number): Promise<void> {
    await until(`${workers} workers have not joined`, async () => {
      const { status } = await this.tell('status');
      return (status.workers ?? []).filter(({ groups }) => groups > 0).length === workers;
    });
  }

  async tell(ask: Ask): Promise<Told> {
    const told = answer(this.#daemon);
    this.#daemon.send(ask);
    const parked = (await told).status.workers?.find(({ state }) => state === 'parked');
    if (parked) throw new Error(`${parked.name} is parked: ${parked.why ?? ''}`);
    return told;
  }

  async counts(): Promise<Counts> {
    const { status, rssBytes } = await this.tell('status');
    const varz = (await (await fetch(`${this.#monitor}/varz`)).json()) as { in_bytes: number; out_bytes: number };
    return {
      at: performance.now() / 1000,
      groups: status.groups.sampled,
      version: status.version,
      staleness: status.staleness.histogram,
      daemon: processorSeconds(this.#daemon),
      nats: processorSeconds(this.#nats),
      bytesIn: varz.in_bytes,
      bytesOut: varz.out_bytes,
      rssBytes,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) await ended(child);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function processorSeconds({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) throw new Error(`${file} is missing: the process has ended, or this is not Linux`);
  const fields = readFileSync(file, 'utf8').split(') ').at(-1)!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

async function answer(child: ChildProcess): Promise<Told> {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(START_MILLISECONDS)]);
  const gone = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the daemon ended with exit code ${String(code)}`);
  });
  const told = once(child, 'message', { signal }).then(([message]) => message as Told);
  try {
    return await Promise.race([told, gone]);
  } finally {
    done.abort();
  }
}

async function until(otherwise: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + START_MILLISECONDS; !(await isSo()); await sleep(LOOK_MILLISECONDS))
    if (Date.now() > end) throw new Error(`${otherwise} after ${START_MILLISECONDS / 1000} seconds`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const killing = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
  await exit;
  clearTimeout(killing);
}
