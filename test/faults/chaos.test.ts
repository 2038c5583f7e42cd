import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { chaos, chaosInput, contentsOf, faultsAfterDeath, KILLS, LIMIT, SEED, STEPS } from '../support/chaos.ts';
import { launchToy } from '../support/launch.ts';
import { temporaryFolder } from '../support/temporary.ts';

const weightsIn = (folder: string) => readFileSync(join(folder, 'run', 'model', 'table.json'), 'utf8');

test(
  'killed at seeded calls of the database, a run loses nothing, learns nothing twice, and ends like an undisturbed run',
  LIMIT,
  async () => {
    const untouched = temporaryFolder();
    const undisturbed = await launchToy(untouched, chaosInput(0), 'none');
    expect(undisturbed).toMatchObject({ steps: STEPS, end: 'steps' });
    const alone = contentsOf(untouched);

    const killed = temporaryFolder();
    const { report, kills } = await chaos(killed, chaosInput(0), {
      kills: KILLS,
      seed: SEED,
      alone,
      launch: launchToy,
    });
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
  },
);
