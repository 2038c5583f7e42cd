/**
 * A real `nats-server` with JetStream, in a process of its own, for tests that kill it and start it again at the same
 * address. The machine has one on its PATH or names it in NATS_SERVER; else these tests are skipped.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './temporary.ts';

export const NATS_PROGRAM = process.env['NATS_SERVER'] ?? 'nats-server';
/** Whether this machine has one. */
export const HAS_NATS = spawnSync(NATS_PROGRAM, ['--version']).status === 0;

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Again, with what its store has. */
  start(): Promise<void>;
}

/** @param extra arguments, such as `--config FILE`. @param queues those that make it keep queues. */
export async function natsServer(
  extra: readonly string[] = [],
  queues: readonly string[] = ['-js', '-sd', temporaryFolder()],
): Promise<NatsServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  const start = async (): Promise<void> => {
    const address = ['-a', '127.0.0.1', '-p', String(port)];
    child = spawn(NATS_PROGRAM, [...queues, ...address, ...extra], { stdio: 'ignore' });
    await listening(port);
  };
  onTestFinished(kill);
  await start();
  return { url: `nats://127.0.0.1:${port}`, port, kill, start };
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isUp) return;
    if (tries > 200) throw new Error(`nats-server does not listen on ${port}`);
    await sleep(50);
  }
}
