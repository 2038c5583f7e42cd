/** Runs of the mini whose learner has workers: they learn what the daemon alone learns. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { DaemonHandle } from '../../src/daemon/daemon-handle.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { openStore } from '../../src/store/open-store.ts';
import { toyConfig } from './rig.ts';
import { temporaryFolder } from './temporary.ts';
import { workersOf } from './worker-process.ts';

/** Two updates a step, of several passes each. */
export const LEARNING = {
  model: resolve('models/mini'),
  seed: 11,
  data: { type: 'figures', trainQuestions: 100, heldOutQuestions: 8 },
  sampling: { samples: 4, maxNewTokens: 48 },
  filters: { dropAllAgree: false },
  loop: { steps: 2, batchGroups: 6, jobQuestions: 6, maxStaleness: 0 },
  learner: { learningRate: 1e-4, minibatches: 2, passTokens: 250 },
  evaluation: { questions: 4, fullQuestions: 4, everySteps: 100 },
} satisfies ConfigInput;

/** @param learners working before the run begins */
export async function startLearning(input: ConfigInput, learners = 0): Promise<DaemonHandle> {
  const runFolder = join(temporaryFolder(), 'run');
  const daemon = await startDaemon(toyConfig({ ...input, runFolder }));
  onTestFinished(async () => void (await daemon.stop()));
  if (learners === 0) return daemon;
  await daemon.pause();
  await workersOf(daemon, (list) => list.filter(({ state }) => state === 'working').length === learners);
  await daemon.resume();
  return daemon;
}

/** Checksum of the weights, and all groups. @throws Error for a run that did not end by its steps. */
export async function learntBy(daemon: DaemonHandle) {
  const { end, error, folder } = await daemon.closed();
  if (end !== 'steps') throw new Error(error ?? end);
  using store = openStore(join(daemon.runFolder, 'quorum.db'));
  const file = await readFile(join(folder, 'model.safetensors')).catch(() =>
    readFile(join(folder, 'adapter_model.safetensors')),
  );
  const groups = store.judgedGroups(1_000).map(({ group }) => JSON.stringify([group.id, group.samples]));
  return { weights: createHash('sha256').update(file).digest('hex'), groups: groups.toSorted() };
}

const alone = new Map<string, Promise<Awaited<ReturnType<typeof learntBy>>>>();

/** What a run without workers learns: each input is run once in a file of tests. */
export function learntAlone(input: ConfigInput) {
  const key = JSON.stringify(input);
  const learnt = alone.get(key) ?? startLearning(input).then(learntBy);
  alone.set(key, learnt);
  return learnt;
}
