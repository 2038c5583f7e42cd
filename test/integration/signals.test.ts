/** The first signal ends a daemon within its time-outs, whatever hangs; a later one ends it at once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, type TestContext } from 'vitest';
import { askDaemon } from '../../src/cli/control-client.ts';
import { nodeArguments } from '../support/script.ts';
import { toyRun } from '../support/toy-run.ts';

const ENTRY = nodeArguments(new URL('../support/stuck-quorum.ts', import.meta.url));
const PLUGIN = fileURLToPath(new URL('../support/stuck-plugin.mjs', import.meta.url));
/** Between signals that are to count as two: longer than what a terminal and npm need to deliver one twice. */
const AGAIN_MILLISECONDS = 300;

/** All of them start at once. */
const TIMEOUT = 240_000;

interface Started {
  readonly child: ChildProcess;
  readonly runFolder: string;
  /** Resolves at the first line that has `text` in it. */
  readonly says: (text: string) => Promise<void>;
}

function started(
  { onTestFinished }: TestContext,
  stuckIn: string,
  seconds: number,
  steps: number | null = null,
): Started {
  const { folder, config } = toyRun({
    loop: { steps, batchGroups: 4, jobQuestions: 2 },
    timeouts: { stopSeconds: seconds, saveSeconds: seconds },
    ...(stuckIn === 'save' && { checkpoints: { everySteps: 1_000 } }),
  });
  const file = join(folder, 'quorum.json');
  writeFileSync(file, JSON.stringify({ ...config, plugins: stuckIn === 'import' ? [PLUGIN] : [] }));
  const child = spawn(process.execPath, [...ENTRY, 'start', '--config', file, '--json'], {
    env: { ...process.env, STUCK_IN: stuckIn },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const says = async (text: string): Promise<void> => {
    while (!lines.some((line) => line.includes(text))) await once(reader, 'line');
  };
  return { child, runFolder: config.runFolder, says };
}

/** Until the daemon is in the phase. */
type Reach = (context: TestContext, seconds: number) => Promise<Started>;

const PHASES: Readonly<Record<string, Reach>> = {
  'importing a plug-in': (context, seconds) => stuck(context, 'import', seconds),
  loading: (context, seconds) => stuck(context, 'open', seconds),
  baseline: (context, seconds) => stuck(context, 'sample', seconds),
  running: (context, seconds) => stuck(context, 'learn', seconds),
  paused: async (context, seconds) => {
    const daemon = started(context, 'nothing', seconds);
    await daemon.says('"phase":"running"');
    await askDaemon(daemon.runFolder, { type: 'pause' }, 60);
    await daemon.says('"phase":"paused"');
    return daemon;
  },
  stopping: async (context, seconds) => {
    const daemon = await stuck(context, 'learn', seconds);
    askDaemon(daemon.runFolder, { type: 'stop' }, 60).catch(() => {});
    await daemon.says('"phase":"stopping"');
    return daemon;
  },
  draining: (context, seconds) => stuck(context, 'save', seconds, 1),
};

/** Phases that lead to the end of the process without a signal. */
const ENDING = ['stopping', 'draining'];

async function stuck(
  context: TestContext,
  call: string,
  seconds: number,
  steps: number | null = null,
): Promise<Started> {
  const daemon = started(context, call, seconds, steps);
  await daemon.says('stuck');
  return daemon;
}

// At once, as each mostly waits for its process.
describe.skipIf(process.platform === 'win32').concurrent.each(Object.entries(PHASES))('while %s', (phase, reach) => {
  test(
    'one signal ends the daemon within its time-outs',
    async (context) => {
      const { child } = await reach(context, 0.5);
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      // A daemon that is about to end by itself may have removed its handlers already: then the signal ends it.
      expect([null, ...(ENDING.includes(phase) ? ['SIGTERM'] : [])]).toContain((await ended)[1]);
    },
    TIMEOUT,
  );

  test(
    'a second signal ends the daemon at once',
    async (context) => {
      const { child } = await reach(context, 10_000);
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      const again = setInterval(() => child.kill('SIGINT'), AGAIN_MILLISECONDS);
      context.onTestFinished(() => clearInterval(again));
      // Where the first one was nearly enough, it has ended already or has no handler any more.
      expect(['0,', '130,', ',SIGINT']).toContain((await ended).join());
    },
    TIMEOUT,
  );
});
