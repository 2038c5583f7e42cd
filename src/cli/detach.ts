/**
 * `quorum start --detach` runs the same command again in a session of its own, without a terminal. The first process
 * waits until the daemon is up; if it fails, the first process prints the daemon's output and exits with its code.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join, relative } from 'node:path';
import { LiveTimer } from '../lib/live-timer.ts';
import type { DaemonHandle, DashboardAddress } from '../daemon/daemon-handle.ts';
import { CancelledError, TimeoutError } from '../protocol/errors.ts';
import { tryLock } from '../store/lock.ts';
import { openRunFolder, type RunFolder } from '../store/run-folder.ts';
import { removeUnbegun } from '../store/unbegun.ts';
import { EXIT } from './errors.ts';
import { onInterrupt } from './interrupt.ts';

/** Message from the daemon to the process that started it. */
export interface Up {
  readonly pid: number;
  readonly runFolder: string;
  readonly dashboard: DashboardAddress | null;
}

/** The daemon ended before it was up. */
interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Wanted {
  readonly runFolder: string;
  /** Seconds within which the model must open. */
  readonly openSeconds: number;
}

const END_SECONDS = 10;
const LONGEST_WORDS = 16_384;
const LOOK_MILLISECONDS = 60_000;

/**
 * @returns the daemon once it is up, or undefined when it ended first; its output is then on stderr and its exit code
 * is set for this process.
 * @throws InputError for a run folder that the daemon cannot use, TimeoutError, CancelledError at Ctrl-C. No daemon is
 * left behind then.
 */
export async function startInBackground({ runFolder, openSeconds }: Wanted): Promise<Up | undefined> {
  const { folder, output } = newOutput(runFolder);
  const file = openSync(output, 'a', 0o600);
  const args = process.argv.slice(1).filter((argument) => argument !== '--detach');
  const child = spawn(process.execPath, [...process.execArgv, ...args, '--detached'], {
    detached: true,
    stdio: ['ignore', file, file, 'ipc'],
  });
  closeSync(file);
  const interrupted = onInterrupt(() => console.error('Stopping the daemon before it is up.'));
  const outcome = await firstOf(child, 2 * openSeconds, interrupted);
  if (outcome === 'late' || outcome === 'interrupted') {
    await end(child);
    if (outcome === 'interrupted') {
      forget(folder);
      throw new CancelledError('starting was interrupted');
    }
    throw new TimeoutError(
      `the daemon (process ${child.pid}) was not up after ${2 * openSeconds} s, twice timeouts.openSeconds, and was ended; what it said is in ${output}`,
    );
  }
  if ('pid' in outcome) {
    child.disconnect();
    child.unref();
    return outcome;
  }
  const how =
    outcome.signal === null
      ? ''
      : `the daemon was ended by ${outcome.signal} before it was up; what it said is in ${output}\n`;
  process.stderr.write(`${readFileSync(output, 'utf8').slice(-LONGEST_WORDS)}${how}`);
  if (outcome.signal === null) forget(folder);
  process.exitCode = outcome.code ?? EXIT.failed;
  return undefined;
}

/**
 * In the detached process: tells the waiting process, if it still exists, that the daemon is up, and bounds the size of
 * the output from then on.
 */
export function announceUp(
  { runFolder, dashboard }: Pick<DaemonHandle, 'runFolder' | 'dashboard'>,
  maxMegabytes: number,
): void {
  const address = dashboard && { url: dashboard.url, links: dashboard.links };
  const up: Up = { pid: process.pid, runFolder, dashboard: address };
  process.send?.(up, undefined, undefined, () => process.connected && process.disconnect());
  const bound = (): void => {
    if (fstatSync(process.stdout.fd).size > maxMegabytes * 2 ** 20) ftruncateSync(process.stdout.fd);
  };
  setInterval(bound, LOOK_MILLISECONDS).unref();
}

/** Tells the user how to follow and stop the daemon in the background. */
export function inTheBackground({ pid, runFolder, dashboard }: Up): string[] {
  const folder = relative(process.cwd(), runFolder);
  const run = folder.startsWith('..') || folder === '' ? runFolder : folder;
  const name = /^[\w./-]+$/.test(run) ? run : JSON.stringify(run);
  return [
    `The daemon runs in the background as process ${pid}.`,
    `  run folder  ${runFolder}`,
    ...(dashboard ? [`  dashboard   ${dashboard.url}`] : []),
    `  log         ${join(runFolder, 'log', 'quorum.log')}`,
    `  watch it    quorum status --run ${name}`,
    `  stop it     quorum stop --run ${name}`,
  ];
}

/**
 * Opens and closes the run folder, so that its errors appear at once; the last daemon's output is kept as output.1.log.
 */
function newOutput(runFolder: string): { readonly folder: RunFolder; readonly output: string } {
  using folder = openRunFolder(runFolder);
  const [output, before] = ['output.log', 'output.1.log'].map((name) => join(folder.logFolder, name)) as [
    string,
    string,
  ];
  if (existsSync(output)) renameSync(output, before);
  return { folder, output };
}

/** The daemon found the folder made by this process, so what a refused start leaves is for this process to remove. */
function forget(folder: RunFolder): void {
  const unlock = tryLock(join(folder.path, 'lock'));
  if (!unlock) return;
  removeUnbegun(folder);
  unlock();
}

async function firstOf(
  child: ChildProcess,
  seconds: number,
  interrupted: AbortSignal,
): Promise<Up | Ended | 'late' | 'interrupted'> {
  let timer: LiveTimer | undefined;
  try {
    return await new Promise((resolve, reject) => {
      child.once('message', (up) => resolve(up as Up));
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', reject);
      interrupted.addEventListener('abort', () => resolve('interrupted'), { once: true });
      timer = new LiveTimer(() => resolve('late'), 1000 * seconds);
    });
  } finally {
    timer?.cancel();
  }
}

/** Terminates the daemon, and kills it if that does not help; it has not begun any work yet. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const timer = new LiveTimer(() => void child.kill('SIGKILL'), 1000 * END_SECONDS);
  child.kill('SIGTERM');
  await ended;
  timer.cancel();
}
