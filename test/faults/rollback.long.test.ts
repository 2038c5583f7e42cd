import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import type { Batch } from '../../src/protocol/messages.ts';
import { openStore } from '../../src/store/open-store.ts';
import { launchToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/rig.ts';
import { ToyPolicy } from '../support/toy-policy.ts';

const GOAL = 4;
const STEPS = 14;
const INPUT: ConfigInput = {
  seed: 5,
  loop: { steps: STEPS, batchGroups: 4, jobQuestions: 2, maxStaleness: 1 },
  filters: { shareFloor: 0.5 },
};

interface Row {
  readonly n: number;
  readonly parent: number | null;
  readonly batchId: number | null;
}

/**
 * The weights that the rows and the batches of a store lead to: learnt one after the other, and taken from the disk
 * where the run went back.
 */
async function retold(versions: readonly Row[], batches: readonly Batch[]): Promise<string> {
  const policy = new ToyPolicy();
  await policy.open();
  const goal = join(temporaryFolder(), 'goal');
  for (const { n, parent, batchId } of versions.slice(1)) {
    if (batchId === null) await policy.restore(goal, parent!, n);
    else await policy.step(batches.find(({ id }) => id === batchId)!);
    if (n === GOAL) await policy.save(n, goal);
  }
  return policy.weights();
}

test.each([
  ['the intent is stored', 'rollback.beforeRestore:1', false],
  ['the weights are loaded', 'rollback.afterRestore:1', false],
  ['the checkpoint is begun', 'rollback.beforeSave:1', false],
  ['the checkpoint is written, but not in its place', 'rollback.afterSave:1', false],
  ['the checkpoint is in its place', 'rollback.saved:1', true],
  ['the row is stored', 'rollback.done:1', true],
])(
  'killed when %s, a run is either rolled back after its restart or not, and continues from there',
  async (_, death, rolledBack) => {
    const folder = temporaryFolder();
    expect(await launchToy(folder, INPUT, death, GOAL)).toBeUndefined();
    expect(await launchToy(folder, INPUT, 'none')).toMatchObject({ end: 'steps', steps: STEPS });

    using store = openStore(join(folder, 'run', 'quorum.db'));
    const versions = store.versions(100).toReversed();
    expect(versions.map(({ n }) => n)).toEqual(Array.from({ length: STEPS + 1 }, (__, n) => n));
    const back = versions.filter(({ n, batchId }) => n > 0 && batchId === null);
    expect(back.map(({ parent }) => parent)).toEqual(rolledBack ? [GOAL] : []);
    const batches = store.batchesSince(0);
    expect(await retold(versions, batches)).toBe(readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8'));

    const groups = batches.flatMap((batch) =>
      batch.groups.map(({ group }) => ({ ...group, age: batch.parent - group.policyVersion })),
    );
    expect(new Set(groups.map(({ sequence }) => sequence)).size).toBe(groups.length);
    expect(Math.max(...groups.map(({ age }) => age))).toBeLessThanOrEqual(1);
  },
  120_000,
);
