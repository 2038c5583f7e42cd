/** Starts daemons on the toy policy for tests of plug-ins and stops them after each test. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstValueFrom } from 'rxjs';
import { filter } from 'rxjs/operators';
import { afterEach } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon, type DaemonHandle } from '../../src/daemon/daemon.ts';
import type { PluginRow } from '../../src/protocol/plugins.ts';
import type { PortName } from '../../src/protocol/ports.ts';
import { temporaryFolder } from './temporary.ts';
import { ToyPolicy } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

const QUICK: ConfigInput = {
  supervision: { maxRestarts: 1, backoffMilliseconds: 1 },
  loop: { batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
};

/** Polls `condition` every 5 ms, as the change comes from another thread or after a deadline. */
export async function until(condition: () => boolean, seconds: number): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; !condition(); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error(`does not hold after ${seconds} s: ${condition.toString()}`);
  }
}

export const running: DaemonHandle[] = [];

afterEach(async () => {
  for (const daemon of running.splice(0)) await daemon.stop();
});

export async function start(input: ConfigInput, folder?: string): Promise<DaemonHandle & { readonly folder: string }> {
  const run = toyRun({ ...QUICK, ...input }, folder);
  const daemon = await startDaemon(run.config, {
    pluginFolder: run.folder,
    // The low rate keeps groups disagreeing, so that steps continue however long a test takes.
    createPolicy: (_, { checkpoint }) => new ToyPolicy({ learningRate: 1e-3, ...(checkpoint ? { checkpoint } : {}) }),
  });
  running.push(daemon);
  return Object.assign(daemon, { folder: run.folder });
}

export const reached = (daemon: DaemonHandle, version: number) =>
  firstValueFrom(daemon.status$().pipe(filter((status) => status.version >= version)));

export const row = (daemon: DaemonHandle, name: string): PluginRow =>
  daemon.plugins().find((each) => each.name === name)!;

/**
 * Gives `port` a plug-in that leaks in a thread with a small heap, and waits until two steps after the port is parked.
 * @returns the port's row
 */
export async function leak(port: PortName): Promise<PluginRow['ports'][number]> {
  const folder = temporaryFolder();
  const fill = 'for (;;) kept.push(Array.from({ length: 1000 }, (_, i) => ({ i })))';
  const source = `const kept = []; export default { name: 'leaky', apiVersion: 1, ports: { ${port}: () => () => { ${fill}; } } };`;
  writeFileSync(join(folder, 'leaky.mjs'), source);
  const synthesis: ConfigInput = port === 'synthesize' ? { synthesis: { mode: 'direct', share: 0.5 } } : {};
  const plugins = [{ use: './leaky.mjs', thread: { heapMegabytes: 32 } }];
  // A restart would double the time of the test.
  const daemon = await start(
    { plugins, supervision: { maxRestarts: 0, backoffMilliseconds: 1 }, ...synthesis },
    folder,
  );
  await until(() => {
    daemon.panels();
    return row(daemon, 'leaky').ports[0]!.state === 'parked';
  }, 60);
  await reached(daemon, daemon.status().version + 2);
  return row(daemon, 'leaky').ports[0]!;
}
