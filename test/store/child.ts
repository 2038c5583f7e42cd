/** Starts a script of this folder in its own process, to be killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { nodeArguments } from '../support/script.ts';

export interface Child {
  readonly process: ChildProcess;
  /** Lines of its standard output; ends when it does. */
  readonly lines: AsyncIterable<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly errors: string }>;
}

/** `through` runs the command in another one, as `['unshare', '-rm', ...]` would. */
export function startChild(script: string, args: readonly string[], through: readonly string[] = []): Child {
  const [command, ...rest] = [
    ...through,
    process.execPath,
    ...nodeArguments(new URL(script, import.meta.url)),
    ...args,
  ];
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Awaited<Child['ended']>>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, errors }));
  });
  return { process: child, lines: createInterface({ input: child.stdout }), ended };
}
