import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { findDaemon } from '../../src/store/run-folder.ts';
import { nodeArguments } from '../support/script.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ENTRY = nodeArguments(new URL('../support/quorum.ts', import.meta.url));
const QUICK = [
  'dashboard.port=null',
  'evaluation.fullQuestions=4',
  'evaluation.questions=4',
  'evaluation.k=2',
  'sampling.samples=4',
  'loop.batchGroups=2',
];

function quorum(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [...ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test.skipIf(process.platform === 'win32').each([
  {
    where: 'in the foreground',
    options: [],
    words: 'Stopping before the model is loaded; nothing was begun. The same command starts again.',
  },
  { where: 'in the background', options: ['--detach'], words: 'Stopping the daemon before it is up.' },
])(
  'interrupted while the model loads, a start $where ends cleanly with code 130, and the next one works',
  async ({ options, words }) => {
    const folder = temporaryFolder();
    const [model, runFolder] = [join(folder, 'model'), join(folder, 'run')];
    cpSync('models/mini', model, { recursive: true });
    // The learner looks for shards where there is no whole file, and waits at this pipe for as long as somebody holds
    // its other end.
    const pipe = join(model, 'model.safetensors.index.json');
    rmSync(join(model, 'model.safetensors'));
    execFileSync('mkfifo', [pipe]);
    const command = [
      'start',
      '--model',
      model,
      '--run',
      runFolder,
      '--steps',
      '1',
      '--json',
      ...QUICK.flatMap((setting) => ['--set', setting]),
    ];

    const first = quorum(...command, ...options);
    const closed = once(first, 'close');
    const out = text(first.stdout!);
    const said: string[] = [];
    const lines = createInterface({ input: first.stderr! }).on('line', (line) => said.push(line));
    const held = await open(pipe, 'w'); // once the learner has opened it
    const daemon = findDaemon(runFolder);
    expect(daemon).toBeDefined();
    expect(daemon?.pid === first.pid).toBe(options.length === 0);
    const answered = once(lines, 'line');
    first.kill('SIGINT');
    await answered;
    await held.close();
    expect(await closed).toEqual([130, null]);
    expect(said).toEqual([words]);
    expect(await out).toBe('');
    expect(findDaemon(runFolder)).toBeUndefined();
    expect(existsSync(runFolder)).toBe(false);

    rmSync(pipe);
    cpSync(join('models/mini', 'model.safetensors'), join(model, 'model.safetensors'));
    const second = quorum(...command);
    const [ended, report, complaints] = await Promise.all([
      once(second, 'close'),
      text(second.stdout!),
      text(second.stderr!),
    ]);
    expect([ended, complaints]).toEqual([[0, null], '']);
    expect(JSON.parse(report.trim().split('\n').at(-1)!)).toMatchObject({ type: 'report', end: 'steps', steps: 1 });
  },
  300_000,
);
