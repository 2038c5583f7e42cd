import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { openStore } from '../../src/store/open-store.ts';
import { temporaryFolder } from '../support/rig.ts';
import { launchToy } from '../support/launch.ts';

const STEPS = 11;
const INPUT: ConfigInput = {
  seed: 5,
  loop: { steps: STEPS, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.5 },
};

const weightsIn = (folder: string) => readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8');

test('killed repeatedly, a run ends with the weights of an undisturbed run; nothing is lost, nothing is learnt twice', async () => {
  const alone = temporaryFolder();
  expect(await launchToy(alone, INPUT, 'none')).toMatchObject({ steps: STEPS, end: 'steps' });

  const killed = temporaryFolder();
  const deaths = [
    'beforeSample:1',
    'beforeSample:6',
    'beforeLearn:2',
    'afterLearn:2',
    'beforeSave:1',
    'beforeSample:9',
  ];
  for (const death of deaths) expect([death, await launchToy(killed, INPUT, death)]).toEqual([death, undefined]);
  const report = await launchToy(killed, INPUT, 'none');
  expect(report).toMatchObject({ steps: STEPS, end: 'steps' });
  expect(weightsIn(killed)).toBe(weightsIn(alone));

  using store = openStore(join(killed, 'run', 'quorum.db'));
  const versions = store.versions(100).toReversed();
  expect(versions.map(({ n, parent }) => [n, parent])).toEqual(versions.map((_, n) => [n, n === 0 ? null : n - 1]));
  const learnt = store.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.sequence));
  expect(new Set(learnt).size).toBe(learnt.length);
  using untouched = openStore(join(alone, 'run', 'quorum.db'));
  expect(learnt).toEqual(untouched.batchesSince(0).flatMap(({ groups }) => groups.map(({ group }) => group.sequence)));
  expect(report!.staleness.histogram).toEqual([learnt.length]);
}, 240_000);
