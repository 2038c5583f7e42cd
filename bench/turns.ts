/**
 * Measures what a load costs the loop: in one daemon, stretches with the load and without it take turns. Only ratios of
 * neighbouring stretches count, so that a machine that slows down affects both alike.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { askDaemon } from '../src/cli/control-client.ts';
import { NoDaemonError } from '../src/cli/errors.ts';
import type { Status } from '../src/protocol/status.ts';
import { openStore } from '../src/store/open-store.ts';

const POLL_MILLISECONDS = 500;
const LIMIT_MILLISECONDS = 60 * 60 * 1000;

/** Settings that make all steps equal work: each samples and learns the same number of groups, with a fixed policy. */
const SAME_WORK = [
  'filters.dropAllAgree=false',
  'filters.dropNoBox=false',
  'filters.shareFloor=0',
  'learner.learningRate=0.000000000001',
  'guardian.mode=off',
];

/** Learner steps `from ..= to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  /** Processor seconds of all the daemon's threads in that time. */
  readonly cpu: number;
  /** Seconds in which the daemon's main thread was not idle in that time. */
  readonly active: number;
  /**
   * Processor seconds of this process, which simulates the pages. On the daemon's machine they compete with it; pages
   * elsewhere would not.
   */
  readonly here: number;
}

export interface Turns {
  readonly run: string;
  /** URL of the daemon's dashboard. */
  readonly address: string;
  /** Measures `steps` learner steps, beginning after the one in progress. */
  measure(steps: number): Promise<Stretch>;
}

/** Wall seconds of a stretch. */
export type Seconds = (stretch: Stretch) => number;

/**
 * Starts a daemon, lets `take` measure its stretches, and stops it. @param report turns them into the result, given the
 * wall seconds of each stretch by the times at which the versions were stored.
 */
export async function inTurns<T, R>(
  root: string,
  model: string,
  take: (turns: Turns) => Promise<T>,
  report: (taken: T, seconds: Seconds) => R,
): Promise<R> {
  const folder = await mkdtemp(join(tmpdir(), 'quorum-bench-'));
  const run = join(folder, 'run');
  const settings = [
    'dashboard.port=0',
    'evaluation.everySteps=100000',
    'evaluation.fullQuestions=10',
    'evaluation.questions=10',
    ...SAME_WORK,
  ];
  const options = ['--model', model, '--run', run, ...settings.flatMap((set) => ['--set', set])];
  const daemon = spawn(process.execPath, [join(root, 'bin/quorum.js'), 'start', ...options], {
    stdio: 'ignore',
    timeout: LIMIT_MILLISECONDS,
  });
  const ended = once(daemon, 'exit');
  try {
    const { dashboard: address } = await statusWhen(run, ({ version }) => version > 0, ended);
    if (address === undefined) throw new Error('the daemon has no dashboard');
    const taken = await take({ run, address, measure: (steps) => measure(run, address, steps, ended) });
    await askDaemon(run, { type: 'stop' }, 600);
    await ended;
    using store = openStore(join(run, 'quorum.db'));
    const savedAt = new Map(store.versions(100_000).map(({ n, savedAt: at }) => [n, at]));
    return report(taken, ({ from, to }) => (savedAt.get(to)! - savedAt.get(from)!) / 1000);
  } finally {
    daemon.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Geometric mean over the rounds of `alone` / `other`, and its standard error. */
export function against(
  alone: readonly Stretch[],
  other: readonly Stretch[],
  of: (stretch: Stretch) => number,
): { value: number; note: string } {
  const logs = other.map((stretch, round) => Math.log(of(alone[round]!) / of(stretch)));
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length;
  const variance = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (logs.length - 1);
  return { value: Math.exp(mean), note: `standard error ${(100 * Math.sqrt(variance / logs.length)).toFixed(1)} %` };
}

async function measure(run: string, address: string, steps: number, ended: Promise<unknown>): Promise<Stretch> {
  const { version } = await statusWhen(run, () => true, ended);
  // The step in progress began before this call.
  const from = version + 1;
  await statusWhen(run, (status) => status.version >= from, ended);
  const before = { ...(await spent(address)), here: here() };
  await statusWhen(run, (status) => status.version >= from + steps, ended);
  const after = await spent(address);
  return {
    from,
    to: from + steps,
    cpu: after.cpu - before.cpu,
    active: after.active - before.active,
    here: here() - before.here,
  };
}

function here(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function spent(address: string): Promise<{ readonly cpu: number; readonly active: number }> {
  const metrics = await (await fetch(new URL('/metrics', address))).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(metrics)?.[1]);
  return { cpu: value('quorum_process_cpu_seconds_total'), active: value('quorum_event_loop_active_seconds_total') };
}

async function statusWhen(
  run: string,
  condition: (status: Status) => boolean,
  ended: Promise<unknown>,
): Promise<Status> {
  const gone = ended.then(() => 'gone' as const);
  for (;;) {
    const reply = await askDaemon(run, { type: 'status' }, 60).catch((error: unknown) => {
      if (error instanceof NoDaemonError) return undefined; // the daemon is still starting
      throw error;
    });
    if (reply?.type === 'status' && condition(reply.status)) return reply.status;
    if ((await Promise.race([pause(POLL_MILLISECONDS), gone])) === 'gone')
      throw new Error('the daemon ended before the measurement did');
  }
}
