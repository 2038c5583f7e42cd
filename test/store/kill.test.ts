/** Real processes, really killed: what the store acknowledged is there, and nothing is there twice. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { openStore } from '../../src/store/open-store.ts';
import { findDaemon, openRunFolder, runPaths } from '../../src/store/run-folder.ts';
import type { Store } from '../../src/store/store.ts';
import { startChild } from './child.ts';
import { judged } from './messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

const KILLS = 6;

type Acknowledged = Map<string, number>;

/** Reads acknowledgements and kills after `lines` of them, `microseconds` into the next piece of work. */
async function runAndKill(
  folder: string,
  lines: number,
  microseconds: number,
  acknowledged: Acknowledged,
): Promise<void> {
  const child = startChild('./loop-child.ts', [folder]);
  let left = lines;
  for await (const line of child.lines) {
    const [what, id] = line.split(' ') as [string, string];
    acknowledged.set(what, Number(id));
    if (--left === 0) {
      await wait(microseconds / 1_000);
      child.process.kill('SIGKILL');
    }
  }
  const { signal, errors } = await child.ended;
  expect(errors).toBe('');
  expect(signal).toBe('SIGKILL');
}

/**
 * Ids count up from 0 (versions from 1), so the last acknowledged one says how many must be there; one write more may
 * have got through.
 */
function check(store: Store, acknowledged: Acknowledged): void {
  const { admitted, sampled, judged: verdicts, batches, versions, learnt } = store.counts();
  const found = {
    admit: admitted - 1,
    group: sampled - 1,
    verdict: verdicts - 1,
    batch: batches - 1,
    version: versions,
  };
  for (const [what, last] of Object.entries(found)) {
    const known = acknowledged.get(what) ?? (what === 'version' ? 0 : -1);
    expect({ what, last, allowed: true }).toEqual({ what, last, allowed: last === known || last === known + 1 });
  }
  expect(learnt).toBe(2 * versions);
  const replay = store.batchesSince(0);
  expect(replay).toEqual(
    Array.from({ length: batches }, (_, id) => ({
      id,
      parent: id,
      groups: [judged(2 * id, id), judged(2 * id + 1, id)],
    })),
  );
  const chain = store.versions(10_000).toReversed();
  expect(chain.map(({ n, parent, batchId }) => [n, parent, batchId])).toEqual(chain.map((_, i) => [i + 1, i, i]));
}

test(`a writer killed ${KILLS} times loses nothing that was acknowledged, and learns from no group twice`, async () => {
  const folder = temporaryFolder();
  const acknowledged: Acknowledged = new Map();
  for (let kill = 0; kill < KILLS; kill++) {
    await runAndKill(folder, 5 + ((kill * 13) % 29), (kill * 577) % 3_000, acknowledged);
    expect(findDaemon(folder)).toBeUndefined();
    using run = openRunFolder(folder);
    expect(run.fresh).toBe(false);
    using store = openStore(run.database);
    check(store, acknowledged);
    const { checkpoint, rejected } = await (await Checkpoints.open(run.checkpointsFolder)).newest();
    expect(rejected).toEqual([]);
    expect(checkpoint?.version ?? 0).toBeGreaterThanOrEqual(acknowledged.get('checkpoint') ?? 0);
  }
  expect(acknowledged.get('version')).toBeGreaterThan(5);
});

test('a second daemon on the folder is refused by name while the first lives, and welcome when it was killed', async () => {
  const folder = temporaryFolder();
  const first = startChild('./loop-child.ts', [folder]);
  // it has the folder; a `break` out of `for await` would close its output
  await first.lines[Symbol.asyncIterator]().next();
  expect(() => openRunFolder(folder)).toThrow(
    `in use by another Quorum daemon (process ${first.process.pid}, started 2`,
  );
  expect(findDaemon(folder)).toMatchObject({ pid: first.process.pid, socket: runPaths(folder).socket });
  first.process.kill('SIGKILL');
  await first.ended;
  expect(findDaemon(folder)).toBeUndefined();
  using run = openRunFolder(folder);
  expect(findDaemon(folder)).toMatchObject({ pid: process.pid });
  expect(() => openRunFolder(folder)).toThrow(`process ${process.pid}`);
  run.release();
  expect(findDaemon(folder)).toBeUndefined();
});
