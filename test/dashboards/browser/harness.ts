/**
 * A real Chromium in front of a real daemon. Without a Chromium (CHROMIUM names one, else the usual places are looked
 * at) the tests are skipped and say so.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe } from 'vitest';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { nodeArguments } from '../../support/script.ts';
import { CHROMIUM } from './browser.ts';

export { CLIENT_FOLDER, launch, open } from './browser.ts';

/** The base's edge, small enough to see the toy learn. */
export const TOY_EDGE = 0.2;
const TOY = nodeArguments(new URL('./daemon-child.ts', import.meta.url));
const COMMAND = nodeArguments(new URL('../../support/quorum.ts', import.meta.url));

/** `describe` for tests that need a browser. */
export const describeInBrowser: (name: string, tests: () => void) => unknown =
  CHROMIUM === undefined ? describe.skip : describe;

/** Each theme and each width once; `mini` looks at the pages in the other two pairs. */
export const LOOKS = [
  { look: 'light', theme: 'light', phone: false },
  { look: 'dark on a phone', theme: 'dark', phone: true },
] as const;
if (CHROMIUM === undefined)
  process.stderr.write('SKIPPED: no Chromium for the dashboard in a browser; set CHROMIUM to the path of one\n');

export interface DaemonProcess extends AsyncDisposable {
  readonly url: string;
  readonly folder: string;
  readonly process: ChildProcess;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

export interface ToyDaemonOptions {
  readonly config?: ConfigInput;
  /** Of an earlier daemon, to go on with its run. */
  readonly folder?: string;
  readonly port?: number;
  /** Milliseconds that a learner step takes. */
  readonly stepTakes?: number;
}

export function startToyDaemon({
  config = {},
  folder = newFolder(),
  port = 0,
  stepTakes = 150,
}: ToyDaemonOptions = {}): Promise<DaemonProcess> {
  const input: ConfigInput = {
    loop: { steps: null, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
    ...config,
    dashboard: { port, ...config.dashboard },
  };
  return start([...TOY, folder, JSON.stringify(input), String(stepTakes), String(TOY_EDGE)], folder);
}

/** `quorum start` with these settings, on the bundled model. It gives way to the browser. */
export async function startQuorum(settings: readonly string[]): Promise<DaemonProcess> {
  const folder = newFolder();
  const all = ['dashboard.port=0', ...settings].flatMap((setting) => ['--set', setting]);
  const daemon = await start([...COMMAND, 'start', '--run', folder, ...all], folder);
  setPriority(daemon.process.pid!, 10);
  return daemon;
}

/** @param args of Node. What it says first of all has to name the dashboard's address. */
async function start(args: readonly string[], folder: string): Promise<DaemonProcess> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const gone = new Promise<undefined>((resolve) => child.once('close', () => resolve(undefined)));
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await gone;
  };
  const dispose = async () => {
    await end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };
  const address = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/[\d.]+:\d+\//.exec(line)?.[0];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([address, gone]);
  if (url === undefined) throw new Error(`the daemon did not start: ${errors}`);
  return { url, folder, process: child, kill: () => end('SIGKILL'), [Symbol.asyncDispose]: dispose };
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'quorum-test-'));
}
