/** A `quorum worker` in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { filter, firstValueFrom, timeout } from 'rxjs';
import type { DaemonHandle } from '../../src/daemon/daemon-handle.ts';
import type { WorkerStatus } from '../../src/protocol/status.ts';
import { nodeArguments } from './script.ts';
import { temporaryFolder } from './temporary.ts';

const QUORUM = new URL('./quorum.ts', import.meta.url);
const TOY = new URL('./toy-worker.ts', import.meta.url);

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** What it has printed. */
  readonly output: () => string;
  /** Resolves once it has printed this, or has ended. */
  readonly said: (text: string) => Promise<void>;
  /** @returns its exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** @param arguments_ after `quorum worker`. */
export const startWorker = (arguments_: readonly string[], environment: NodeJS.ProcessEnv = {}): WorkerProcess =>
  start([...nodeArguments(QUORUM), 'worker', ...arguments_], environment);

/** On the toy policy: see toy-worker.ts. @param name or names, with commas between them. */
export const startToyWorker = (
  join: string,
  name: string,
  milliseconds = 0,
  environment: NodeJS.ProcessEnv = {},
): WorkerProcess => start([...nodeArguments(TOY), join, name, temporaryFolder(), String(milliseconds)], environment);

/** An environment in which a process runs this source of JavaScript first. */
export const runningFirst = (source: string): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}`,
});

function start(arguments_: readonly string[], environment: NodeJS.ProcessEnv = {}): WorkerProcess {
  const child = spawn(process.execPath, arguments_, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const said = (wanted: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => (text.includes(wanted) ? resolve() : undefined);
      child.stdout.on('data', look);
      void exited.then(() => resolve());
      look();
    });
  return { child, output: () => text, said, exited };
}

/** Resolves when the daemon's list of workers is as it should be. */
export async function workersOf(
  daemon: DaemonHandle,
  isRight: (workers: readonly WorkerStatus[]) => boolean,
): Promise<readonly WorkerStatus[]> {
  const status = await firstValueFrom(
    daemon.status$().pipe(
      filter(({ workers = [] }) => isRight(workers)),
      timeout(40_000),
    ),
  );
  return status.workers ?? [];
}
