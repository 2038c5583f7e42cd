import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { openStore } from '../../src/store/open-store.ts';
import { HAS_NATS, natsServer } from '../support/nats-server.ts';
import { toyConfig } from '../support/rig.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startWorker, workersOf } from '../support/worker-process.ts';

const STEPS = 2;
const INPUT = {
  model: resolve('models/mini'),
  seed: 11,
  data: { type: 'figures', trainQuestions: 100, heldOutQuestions: 8 },
  sampling: { samples: 4 },
  loop: { steps: STEPS, batchGroups: 3, jobQuestions: 2, maxStaleness: 0 },
  learner: { learningRate: 1e-3, minibatches: 1 },
  evaluation: { questions: 4, fullQuestions: 4, everySteps: 1 },
} satisfies ConfigInput;

/** Checksum of the weights, and everything sampled. */
async function outcome(folder: string, checkpoint: string) {
  using store = openStore(join(folder, 'quorum.db'));
  const weights = createHash('sha256')
    .update(await readFile(join(checkpoint, 'model.safetensors')))
    .digest('hex');
  const groups = store.judgedGroups(1_000).map(({ group }) => group);
  return { weights, groups: groups.map(({ id, samples }) => JSON.stringify([id, samples])).toSorted() };
}

async function runAlone() {
  const runFolder = join(temporaryFolder(), 'run');
  await using daemon = await startDaemon(toyConfig({ ...INPUT, runFolder }));
  const report = await daemon.closed();
  return outcome(runFolder, report.folder);
}

describe.skipIf(!HAS_NATS)('with a real nats-server', () => {
  test('two workers sample what the daemon alone samples, and the weights are the same to the bit', async () => {
    const nats = await natsServer();
    const cache = temporaryFolder();
    const workers = ['one', 'two'].map((name) => startWorker(['--join', nats.url, '--name', name, '--cache', cache]));
    const alone = await runAlone();
    const runFolder = join(temporaryFolder(), 'run');
    await using daemon = await startDaemon(
      toyConfig({ ...INPUT, runFolder, cluster: { nats: nats.url, checkShare: 1 } }),
    );
    await daemon.pause();
    await workersOf(daemon, (list) => list.filter(({ state }) => state === 'working').length === 2);
    await daemon.resume();
    const report = await daemon.closed();
    expect(report).toMatchObject({ end: 'steps', steps: STEPS });
    const { workers: list = [] } = daemon.status();
    expect(list.map(({ state }) => state)).toEqual(['working', 'working']);
    expect(list.reduce((sum, { groups }) => sum + groups, 0)).toBeGreaterThanOrEqual(alone.groups.length);
    expect(await outcome(runFolder, report.folder)).toEqual(alone);
    for (const { child } of workers) child.kill('SIGTERM');
    expect(await Promise.all(workers.map(({ exited }) => exited))).toEqual([0, 0]);
  }, 300_000);
});
