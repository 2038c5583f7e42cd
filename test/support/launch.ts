/** Launches a daemon in a process of its own, for tests that kill it. Every launch resolves to undefined if killed. */
import { spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Report } from '../../src/protocol/status.ts';
import { nodeArguments } from './script.ts';

const TOY = new URL('./toy-daemon.ts', import.meta.url);
const REAL = new URL('./real-daemon.ts', import.meta.url);

/** With the toy policy. `death` and `goal`: see toy-daemon.ts. */
export function launchToy(
  folder: string,
  input: ConfigInput,
  death: string,
  goal?: number,
): Promise<Report | undefined> {
  return run(TOY, [folder, JSON.stringify(input), death, ...(goal === undefined ? [] : [String(goal)])]);
}

/** The same, with a learner that fails on every `poison`th batch. */
export function launchPoisonedToy(poison: number) {
  return (folder: string, input: ConfigInput, death: string) =>
    run(TOY, [folder, JSON.stringify(input), death], { TOY_POISON: String(poison) });
}

/** With the bundled model in threads. `death`: see real-daemon.ts. */
export function launchReal(input: ConfigInput, death: string): Promise<Report | undefined> {
  return run(REAL, [JSON.stringify(input), death]);
}

function run(script: URL, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Report | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArguments(script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.once('error', reject).once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(out) as Report);
      else reject(new Error(`exit code ${code}: ${errors}`));
    });
  });
}
