import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/rig.ts';
import { launchToy } from '../support/launch.ts';

const MOST_USES = 2;
const INPUT: ConfigInput = {
  seed: 5,
  loop: { steps: 8, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.5 },
  synthesis: { mode: 'direct', share: 0.6, poolQuestions: 12, batchQuestions: 4, maxUses: MOST_USES },
  plugins: [fileURLToPath(new URL('../support/toy-synthesizer.ts', import.meta.url))],
};

function contents(folder: string) {
  using store = openStore(join(folder, 'run', 'quorum.db'));
  const { groups } = store.findGroups({}, { limit: 5_000 });
  return {
    weights: readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8'),
    pool: store.pool().map(({ question, uses }) => [question.id, uses]),
    asked: groups.toReversed().map(({ group: { question, sequence } }) => [sequence, question.id, question.origin]),
    counts: store.syntheticCounts(),
    rewards: groups.filter(({ verdict }) => verdict?.written).map(({ verdict }) => verdict.rewards),
  };
}

/** Steps 2, 4, 6 and 8 learn from what the policy writes. */
const REWARDED: ConfigInput = {
  ...INPUT,
  synthesis: {
    ...INPUT.synthesis,
    mode: 'direct',
    reward: { mode: 'on', everySteps: 2, groups: 3, questions: 4, votes: 4 },
  },
  plugins: [],
};

// Jobs of prompts to write and of votes are sampled too; a write to the store is a statement.
const DEATHS = ['beforeSample:2', 'beforeSample:9', 'beforeLearn:2', 'statement:170', 'beforeSample:7', 'afterLearn:2'];

test('killed repeatedly, a run keeps its pool, asks no question too often, and ends like an undisturbed run', async () => {
  const alone = temporaryFolder();
  expect(await launchToy(alone, INPUT, 'none')).toMatchObject({ steps: 8, end: 'steps' });
  const killed = temporaryFolder();
  for (const death of ['beforeSample:2', 'beforeSample:5', 'beforeLearn:2', 'afterLearn:1']) {
    expect([death, await launchToy(killed, INPUT, death)]).toEqual([death, undefined]);
  }
  expect(await launchToy(killed, INPUT, 'none')).toMatchObject({ steps: 8, end: 'steps' });

  const { asked, ...rest } = contents(killed);
  const uses = new Map<unknown, number>();
  for (const [, id, origin] of asked) if (origin === 'direct') uses.set(id, (uses.get(id) ?? 0) + 1);
  expect(uses.size).toBeGreaterThan(4);
  expect(Math.max(...uses.values())).toBeLessThanOrEqual(MOST_USES);
  expect({ asked, ...rest }).toEqual(contents(alone));
}, 240_000);

test('killed repeatedly, a run that rewards what it writes ends like an undisturbed run', async () => {
  const alone = temporaryFolder();
  expect(await launchToy(alone, REWARDED, 'none')).toMatchObject({ steps: 8, end: 'steps' });
  const killed = temporaryFolder();
  for (const death of DEATHS) expect([death, await launchToy(killed, REWARDED, death)]).toEqual([death, undefined]);
  expect(await launchToy(killed, REWARDED, 'none')).toMatchObject({ steps: 8, end: 'steps' });
  const { rewards, ...rest } = contents(killed);
  expect(rewards.length).toBeGreaterThanOrEqual(9);
  expect({ rewards, ...rest }).toEqual(contents(alone));
}, 240_000);
