/** Batches that the learner cannot take, in a whole daemon that is killed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { chaos, contentsOf } from '../support/chaos.ts';
import { launchPoisonedToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';

const STEPS = 24;
const KILLS = 3;
const SEED = 2;
const POISON = 3;
const input: ConfigInput = {
  seed: 7,
  loop: { steps: STEPS, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.5, dropAllAgree: false },
};
const weightsIn = (folder: string) => readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8');

test(
  'killed at seeded calls of the database, a run sets aside the same batches as an undisturbed run, loses nothing else and learns nothing twice',
  { timeout: 300_000 },
  async () => {
    const launch = launchPoisonedToy(POISON);
    const untouched = temporaryFolder();
    expect(await launch(untouched, input, 'none')).toMatchObject({ steps: STEPS, end: 'steps' });
    const alone = contentsOf(untouched);

    const killed = temporaryFolder();
    const { report } = await chaos(killed, input, { kills: KILLS, seed: SEED, alone, launch });
    expect(report).toMatchObject({ steps: STEPS, end: 'steps' });
    expect(weightsIn(killed)).toBe(weightsIn(untouched));
    const asides = [untouched, killed].map((folder) => {
      using store = openStore(join(folder, 'run', 'quorum.db'));
      return store
        .batchesSetAside(100)
        .map(({ batchId, parent, groupIds, cause }) => [batchId, parent, groupIds, cause]);
    });
    expect(asides[0]!.length).toBeGreaterThanOrEqual(STEPS / POISON - 1);
    expect(asides[1]).toEqual(asides[0]);
  },
);
