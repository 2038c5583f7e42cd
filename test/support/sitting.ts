/** A sitting of a toy daemon in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Report } from '../../src/protocol/status.ts';

const SCRIPT = fileURLToPath(new URL('./toy-daemon.ts', import.meta.url));

/** Undefined when it was killed. `death` and `goal`: see toy-daemon.ts. */
export function sitting(folder: string, input: ConfigInput, death: string, goal?: number): Promise<Report | undefined> {
  return new Promise((resolve, reject) => {
    const command = ['--import', 'tsx', SCRIPT, folder, JSON.stringify(input), death, ...(goal === undefined ? [] : [String(goal)])];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] });
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
