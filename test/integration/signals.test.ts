/** The first signal ends a daemon within its time-outs, whatever hangs; a later one ends it at once. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { askDaemon } from '../../src/cli/control-client.ts';
import { toyRun } from '../support/toy-run.ts';

const ENTRY = fileURLToPath(new URL('../support/stuck-quorum.ts', import.meta.url));
/** Between signals that are to count as two: longer than what a terminal and npm need to deliver one twice. */
const AGAIN_MILLISECONDS = 300;

interface Started {
  readonly child: ChildProcess;
  readonly runFolder: string;
  /** Resolves at the first line that has `text` in it. */
  readonly says: (text: string) => Promise<void>;
}

function started(stuckIn: string, steps: number | null, seconds: number): Started {
  const { folder, config } = toyRun({
    loop: { steps, batchGroups: 4, jobQuestions: 2 },
    timeouts: { stopSeconds: seconds, saveSeconds: seconds },
    ...(stuckIn === 'save' && { checkpoints: { everySteps: 1_000 } }),
  });
  const file = join(folder, 'quorum.json');
  writeFileSync(file, JSON.stringify({ ...config, plugins: [] }));
  const child = spawn(process.execPath, ['--import', 'tsx', ENTRY, 'start', '--config', file, '--json'], {
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
const PHASES: Readonly<Record<string, (seconds: number) => Promise<Started>>> = {
  loading: (seconds) => stuck('open', seconds),
  baseline: (seconds) => stuck('sample', seconds),
  running: (seconds) => stuck('learn', seconds),
  paused: async (seconds) => {
    const daemon = started('nothing', null, seconds);
    await daemon.says('"phase":"running"');
    await askDaemon(daemon.runFolder, { type: 'pause' }, 60);
    await daemon.says('"phase":"paused"');
    return daemon;
  },
  stopping: async (seconds) => {
    const daemon = await stuck('learn', seconds);
    askDaemon(daemon.runFolder, { type: 'stop' }, 60).catch(() => {});
    await daemon.says('"phase":"stopping"');
    return daemon;
  },
  draining: (seconds) => stuck('save', seconds, 1),
};

async function stuck(call: string, seconds: number, steps: number | null = null): Promise<Started> {
  const daemon = started(call, steps, seconds);
  await daemon.says('stuck');
  return daemon;
}

describe.skipIf(process.platform === 'win32').each(Object.entries(PHASES))('while %s', (_, reach) => {
  test('one signal ends the daemon within its time-outs', async () => {
    const { child } = await reach(0.5);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect((await ended)[1]).toBeNull();
  }, 60_000);
});

describe.skipIf(process.platform === 'win32').each(['running', 'draining'])('while %s', (phase) => {
  test('a second signal ends the daemon at once', async () => {
    const { child } = await PHASES[phase]!(10_000);
    const ended = once(child, 'exit');
    const again = setInterval(() => child.kill('SIGINT'), AGAIN_MILLISECONDS);
    onTestFinished(() => clearInterval(again));
    expect(await ended).toEqual([130, null]);
  }, 60_000);
});
