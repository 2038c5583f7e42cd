/** A whole daemon, in a process of its own: bytes of any kind end neither it nor its loop. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startToyDaemon, type DaemonProcess } from '../dashboards/browser/harness.ts';
import { request, send, upgrade, visit } from './raw-requests.ts';

const TOGETHER = 100;
/**
 * What is let in costs the daemon's main thread time, of which there is a budget; what is turned away at the door
 * hardly does.
 */
const CASES = [
  [upgrade, 2200],
  [visit, 300],
  [request, 100],
] as const;

async function version({ url }: DaemonProcess): Promise<number> {
  const metrics = await (await fetch(new URL('/metrics', url))).text();
  return Number(/^quorum_policy_version (\d+)/m.exec(metrics)?.[1]);
}

test('thousands of random and mutated requests and frames end neither the daemon nor its loop', async () => {
  await using daemon = await startToyDaemon({ stepTakes: 20 });
  const port = Number(new URL(daemon.url).port);
  const cases = CASES.flatMap(([kind, count]) => fc.sample(kind, { numRuns: count, seed: 1 }));
  for (let from = 0; from < cases.length; from += TOGETHER) {
    await Promise.all(cases.slice(from, from + TOGETHER).map((bytes) => send(port, bytes)));
    expect(daemon.process.exitCode).toBeNull();
  }
  expect(cases.length).toBeGreaterThan(2500);
  const before = await version(daemon);
  await expect.poll(() => version(daemon), { timeout: 60_000 }).toBeGreaterThan(before);
  expect(readFileSync(join(daemon.folder, 'run/log/quorum.log'), 'utf8')).not.toContain('the dashboard failed');
}, 180_000);
