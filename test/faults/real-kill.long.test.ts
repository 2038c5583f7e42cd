import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configSchema, type ConfigInput } from '../../src/config/schema.ts';
import { Random } from '../../src/data/rng.ts';
import { localPolicy } from '../../src/policy/local/open.ts';
import type { Batch, RolloutGroup } from '../../src/protocol/messages.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { launchReal } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';

const STEPS = 5;
const EVERY = 2;
const ALL = 10_000;
const FILES = ['model.safetensors', 'optimizer.safetensors'] as const;

const input = (runFolder: string): ConfigInput => ({
  model: 'models/mini',
  runFolder,
  seed: 3,
  dashboard: { port: null },
  sampling: { samples: 4 },
  loop: { steps: STEPS, batchGroups: 3, jobQuestions: 2, maxStaleness: 2 },
  learner: { learningRate: 1e-3 },
  evaluation: { questions: 2, fullQuestions: 2, k: 2, everySteps: ALL, fullEverySteps: ALL },
  checkpoints: { everySteps: EVERY, keepLast: 2 },
});

/** Everything sampled, as text by id. */
function sampled(store: Store): Map<string, string> {
  const groups: RolloutGroup[] = [...store.judgedGroups(ALL).map(({ group }) => group), ...store.unfinished().unjudged];
  return new Map(
    groups.map(({ id, question, policyVersion, samples }) => [
      id,
      JSON.stringify([question.id, policyVersion, samples]),
    ]),
  );
}

/** Learns the stored batches from the base on, and returns the bytes of the files of each of these versions. */
async function relearnt(batches: readonly Batch[], versions: readonly number[]): Promise<Map<number, Buffer[]>> {
  const folder = temporaryFolder();
  const found = new Map<number, Buffer[]>();
  await using learner = localPolicy(configSchema.parse(input(folder))).learner;
  await learner.open();
  for (const batch of batches) {
    const { version } = await learner.step(batch);
    if (!versions.includes(version.n)) continue;
    await learner.save(version.n, join(folder, 'saved'));
    found.set(version.n, bytesIn(join(folder, 'saved')));
  }
  return found;
}

const bytesIn = (folder: string): Buffer[] => FILES.map((name) => readFileSync(join(folder, name)));
/** Without the draft that a death left. */
const checkpointsIn = (run: string): number[] =>
  readdirSync(join(run, 'checkpoints')).flatMap((name) => (/^v\d+$/.test(name) ? [Number(name.slice(1))] : []));

test('killed at seeded points, the bundled model in its threads continues: one chain, nothing lost or learnt twice, the same bits', async () => {
  const run = join(temporaryFolder(), 'run');
  const random = new Random(1, 'deaths');
  const deaths = [`stored:${random.int(3, 8)}`, `learning:3:${0.1 + 0.5 * random.float()}`, `saving:${2 * EVERY}`];
  const durable = new Map<string, string>();
  for (const death of deaths) {
    expect([death, await launchReal(input(run), death)]).toEqual([death, undefined]);
    using store = openStore(join(run, 'quorum.db'));
    const now = sampled(store);
    for (const [id, group] of durable) expect(now.get(id)).toBe(group);
    for (const [id, group] of now) durable.set(id, group);
    if (death.startsWith('stored')) expect(store.unfinished().unjudged.length).toBeGreaterThan(0);
    if (death.startsWith('learning')) expect(store.unfinished().unlearnt.length).toBe(1);
    if (death.startsWith('saving'))
      expect([store.latestVersion()?.n, checkpointsIn(run)]).toEqual([2 * EVERY, [EVERY]]);
  }
  expect(await launchReal(input(run), 'none')).toMatchObject({ steps: STEPS, end: 'steps' });

  using store = openStore(join(run, 'quorum.db'));
  const versions = store.versions(ALL).toReversed();
  expect(versions.map(({ n, parent }) => [n, parent])).toEqual(
    Array.from({ length: STEPS + 1 }, (_, n) => [n, n === 0 ? null : n - 1]),
  );
  const batches = store.batchesSince(0);
  const learnt = batches.flatMap(({ groups }) => groups.map(({ group }) => group.id));
  expect(new Set(learnt).size).toBe(learnt.length);
  for (const { parent, groups } of batches)
    for (const { group } of groups) expect(parent - group.policyVersion).toBeLessThanOrEqual(2);

  const end = sampled(store);
  for (const [id, group] of durable) expect(end.get(id)).toBe(group);
  const { unbatched } = store.unfinished();
  const kept = store.judgedGroups(ALL).filter(({ verdict }) => verdict.kept);
  expect(kept.map(({ group }) => group.id).toSorted()).toEqual(
    [...learnt, ...unbatched.map(({ group }) => group.id)].toSorted(),
  );

  const saved = checkpointsIn(run);
  expect(saved).toContain(STEPS);
  const again = await relearnt(batches, saved);
  for (const n of saved) {
    const there = bytesIn(join(run, 'checkpoints', `v${String(n).padStart(6, '0')}`));
    expect([n, FILES.filter((_, i) => !there[i]!.equals(again.get(n)![i]!))]).toEqual([n, []]);
  }
}, 300_000);
