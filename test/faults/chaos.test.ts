import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import type { ConfigInput } from '../../src/config/schema.ts';
import { chaos, contentsOf, faultsAfterDeath } from '../support/chaos.ts';
import { sitting } from '../support/sitting.ts';
import { temporaryFolder } from '../support/temporary.ts';

/** As many as about a minute of one processor holds. */
const KILLS = 20;
const STEPS = 60;
const INPUT: ConfigInput = {
  seed: 7,
  loop: { steps: STEPS, batchGroups: 4, jobQuestions: 2, maxStaleness: 0, maxOversample: 3 },
  filters: { shareFloor: 0.5 },
};
const weightsIn = (folder: string) => readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8');

test('killed at seeded calls of the database, a run loses nothing, learns nothing twice, and ends as one that was left alone', async () => {
  const untouched = temporaryFolder();
  const undisturbed = await sitting(untouched, INPUT, 'none');
  expect(undisturbed).toMatchObject({ steps: STEPS, end: 'steps' });
  const alone = contentsOf(untouched);

  const killed = temporaryFolder();
  const { report, kills } = await chaos(killed, INPUT, { kills: KILLS, seed: 1, alone, sit: sitting });
  expect(kills).toBe(KILLS);
  expect(report).toMatchObject({ steps: STEPS, end: 'steps', final: undisturbed!.final });
  expect(weightsIn(killed)).toBe(weightsIn(untouched));

  // And the checker sees what it looks for.
  expect(await faultsAfterDeath(killed, alone, alone)).toEqual([]);
  const db = new Libsql(join(killed, 'run', 'quorum.db'));
  db.exec('UPDATE versions SET parent = 3 WHERE n = 9');
  db.close();
  expect(await faultsAfterDeath(killed, alone, alone)).toContain('version 9 is out of the chain');
  const lost = { ...alone, groups: new Map([...alone.groups, [99_999, 'gone']]) };
  expect(await faultsAfterDeath(killed, lost, alone)).toContain('group 99999 was lost or changed');
}, 600_000);
