/**
 * A run whose database is gone, or does not fit its versions on disk, is refused, and `--begin-again` makes its newest
 * weights a new base.
 */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { DaemonHooks } from '../../src/daemon/daemon-handle.ts';
import type { Report } from '../../src/protocol/status.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { openStore } from '../../src/store/open-store.ts';
import { ToyPolicy } from '../support/toy-policy.ts';
import { toyRun, type ToyRun } from '../support/toy-run.ts';

const STEPS = 6;
const REMEDY =
  '; restore the run folder from a backup, or start with --begin-again, which makes the newest weights the base of a new chain of versions';

async function run({ config }: ToyRun, steps: number, hooks: DaemonHooks = {}): Promise<Report> {
  const daemon = await startDaemon(
    { ...config, loop: { ...config.loop, steps } },
    {
      createPolicy: (_, { checkpoint, base }) =>
        new ToyPolicy({ ...(checkpoint && { checkpoint }), ...(base && { base }) }),
      ...hooks,
    },
  );
  return daemon.closed();
}

const inRun = ({ config }: ToyRun, ...parts: readonly string[]): string => join(config.runFolder, ...parts);

function sql(toy: ToyRun, script: string): void {
  const db = new Libsql(inRun(toy, 'quorum.db'));
  db.exec('PRAGMA foreign_keys = OFF');
  db.exec(script);
  db.close();
}

const versions = (toy: ToyRun): number[] => {
  using store = openStore(inRun(toy, 'quorum.db'));
  return store.chain().versions.map(({ n }) => n);
};

async function expectRefused(toy: ToyRun, problem: string): Promise<void> {
  const text = `${inRun(toy, 'quorum.db')} ${problem}${REMEDY}`;
  await expect(run(toy, STEPS + 2)).rejects.toThrow(text);
  await expect(run(toy, STEPS + 2)).rejects.toThrow(text); // to refuse changes nothing
  const found = (await checkRun(toy.config.runFolder)).findings.filter(({ harmless }) => !harmless);
  expect(found.map((finding) => [`${finding.path} ${finding.problem}`, finding.remedy])).toContainEqual([
    `${inRun(toy, 'quorum.db')} ${problem}`,
    'begin-again',
  ]);
}

const DAMAGES: readonly [string, (toy: ToyRun) => void, string][] = [
  ['is deleted', (toy) => rmSync(inRun(toy, 'quorum.db')), 'is missing'],
  ['is emptied', (toy) => truncateSync(inRun(toy, 'quorum.db')), 'is empty'],
  ['is another run’s, fresh', (toy) => anotherDatabase(toy), 'has no versions, but version 6 is on disk'],
  [
    'lacks the newest version',
    (toy) => sql(toy, `DELETE FROM versions WHERE n = ${STEPS}`),
    'ends at version 5, but version 6 is on disk',
  ],
  ['lacks a version in between', (toy) => sql(toy, 'DELETE FROM versions WHERE n = 3'), 'lacks version 3'],
  ['lacks its first versions', (toy) => sql(toy, 'DELETE FROM versions WHERE n < 2'), 'lacks versions 0 to 1'],
];

function anotherDatabase(toy: ToyRun): void {
  rmSync(inRun(toy, 'quorum.db'));
  openStore(inRun(toy, 'quorum.db')).close();
}

test.each(DAMAGES)(
  'a database that %s is refused at the start, and doctor says the same',
  async (_, damage, problem) => {
    const toy = toyRun();
    await run(toy, STEPS);
    damage(toy);
    await expectRefused(toy, problem);
  },
);

test('without any checkpoint a run whose database is deleted is refused too; it begins again from its base', async () => {
  const toy = toyRun();
  await run(toy, STEPS);
  for (const part of ['quorum.db', 'checkpoints', 'best']) rmSync(inRun(toy, part), { recursive: true });
  await expectRefused(toy, 'is missing');
  expect(await run(toy, 3, { beginAgain: true })).toMatchObject({ end: 'steps', steps: 3 });
  expect(versions(toy)).toEqual([0, 1, 2, 3]);
});

test('an older copy of the database is refused; with the checkpoints of its time, the run continues', async () => {
  const toy = toyRun();
  await run(toy, 4);
  copyFileSync(inRun(toy, 'quorum.db'), join(toy.folder, 'backup.db'));
  await run(toy, STEPS);
  copyFileSync(join(toy.folder, 'backup.db'), inRun(toy, 'quorum.db'));
  await expectRefused(toy, 'ends at version 4, but version 6 is on disk');
  for (const place of ['checkpoints', 'best']) rmSync(inRun(toy, place, 'v000006'), { recursive: true, force: true });
  expect(await run(toy, 5)).toMatchObject({ end: 'steps', steps: 5 });
  expect(versions(toy)).toEqual([0, 1, 2, 3, 4, 5]);
});

test.each([
  ['deleted', (toy: ToyRun) => rmSync(inRun(toy, 'quorum.db'))],
  ['damaged', (toy: ToyRun) => writeFileSync(inRun(toy, 'quorum.db'), Buffer.alloc(9_000, 7))],
])('--begin-again: the newest weights of a run whose database is %s are the base of a new chain', async (_, damage) => {
  const toy = toyRun();
  await run(toy, STEPS);
  const weights = readFileSync(inRun(toy, 'model', 'table.json'), 'utf8');
  damage(toy);
  const told: string[] = [];
  const daemon = await startDaemon(
    { ...toy.config, loop: { ...toy.config.loop, steps: 2 } },
    {
      beginAgain: true,
      createPolicy: (_config, { base }) => (told.push(String(base)), new ToyPolicy(base === undefined ? {} : { base })),
    },
  );
  await daemon.closed();
  expect(told).toEqual([inRun(toy, 'base', 'v000006')]);
  expect(readFileSync(inRun(toy, 'base', 'v000006', 'table.json'), 'utf8')).toBe(weights);
  expect(versions(toy)).toEqual([0, 1, 2]);
  const [aside] = readdirSync(inRun(toy, 'aside'));
  expect(readdirSync(inRun(toy, 'aside', aside!, 'checkpoints'))).toEqual(['v000004']);
  expect(existsSync(inRun(toy, 'aside', aside!, 'quorum.db'))).toBe(
    existsSync(inRun(toy, 'aside', aside!, 'quorum.db')),
  );
  // The new base stays the base at later starts, whatever the configuration names.
  expect(await run(toy, 3)).toMatchObject({ end: 'steps', steps: 3 });
  expect(readlinkSync(inRun(toy, 'model'))).toBe(join('checkpoints', 'v000003'));
  expect((await checkRun(toy.config.runFolder)).findings).toEqual([]);
  await expect(run(toy, 4, { beginAgain: true })).rejects.toThrow('--begin-again: nothing is wrong with the database');
});

test('--begin-again that was killed before its end does the rest when it is given once more', async () => {
  const toy = toyRun();
  await run(toy, STEPS);
  // As far as the old database and the older checkpoints: what is left is a run without a database.
  rmSync(inRun(toy, 'quorum.db'));
  rmSync(inRun(toy, 'checkpoints', 'v000004'), { recursive: true });
  await expectRefused(toy, 'is missing');
  await run(toy, 2, { beginAgain: true });
  // And all of it, but for the new database.
  for (const part of ['quorum.db', 'checkpoints', 'best']) rmSync(inRun(toy, part), { recursive: true });
  await expectRefused(toy, 'is missing');
  await run(toy, 2, { beginAgain: true });
  expect(readdirSync(inRun(toy, 'base'))).toEqual(['v000006']);
  // A chain that began again can begin again.
  rmSync(inRun(toy, 'quorum.db'));
  await run(toy, 1, { beginAgain: true });
  expect(readdirSync(inRun(toy, 'base'))).toEqual(['v000002']);
  expect(versions(toy)).toEqual([0, 1]);
});
