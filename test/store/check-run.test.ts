/** What `quorum doctor --run` finds in a run folder with each damage, and what it makes of it. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { Checkpoints } from '../../src/store/checkpoints.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { SCHEMA_VERSION } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/open-store.ts';
import { repairRun } from '../../src/store/repair-run.ts';
import { openRunFolder } from '../../src/store/run-folder.ts';
import { temporaryFolder } from '../support/temporary.ts';

const NOW = new Date('2026-01-02T03:04:05Z');

async function goodRun(): Promise<string> {
  const folder = join(temporaryFolder(), 'run');
  const run = openRunFolder(folder);
  const store = openStore(run.database);
  for (const n of [0, 1, 2]) store.saveVersion({ n, parent: n === 0 ? null : n - 1, batchId: null, metrics: null });
  for (let i = 0; i < 200; i++) store.event('filler', 'x'.repeat(500));
  store.close();
  const checkpoints = await Checkpoints.open(run.checkpointsFolder);
  for (const version of [1, 2]) {
    await checkpoints.save(version, async (draft) => {
      mkdirSync(draft);
      writeFileSync(join(draft, 'model.safetensors'), Buffer.alloc(1_000, version));
    });
  }
  run.release();
  return folder;
}

const problems = async (folder: string) =>
  (await checkRun(folder)).findings.map(({ part, problem, remedy }) => [part, problem, remedy]);

function sql(folder: string, script: string): void {
  const db = new Libsql(join(folder, 'quorum.db'));
  db.exec(script);
  db.close();
}

test('nothing is wrong with a good run', async () => {
  const folder = await goodRun();
  expect(await checkRun(folder)).toMatchObject({ findings: [], checkpoints: [1, 2] });
});

test.each([
  [
    'one flipped bit',
    (file: string) => writeFileSync(file, flipped(readFileSync(file))),
    'model.safetensors does not match its checksum',
  ],
  ['a half-written file', (file: string) => truncateSync(file, 500), 'model.safetensors has 500 bytes, not 1000'],
  ['a missing file', (file: string) => rmSync(file), 'model.safetensors is missing'],
])('a checkpoint with %s is found and moved aside whole', async (_, damage, problem) => {
  const folder = await goodRun();
  damage(join(folder, 'checkpoints', 'v000002', 'model.safetensors'));
  const check = await checkRun(folder);
  expect(check.findings).toMatchObject([{ part: 'checkpoint', problem, remedy: 'set-aside', harmless: false }]);
  const left = readdirSync(join(folder, 'checkpoints', 'v000002'));
  repairRun(check, NOW);
  expect(await checkRun(folder)).toMatchObject({ findings: [], checkpoints: [1] });
  expect(readdirSync(join(folder, 'aside', '2026-01-02T03-04-05.000Z', 'v000002'))).toEqual(left);
});

function flipped(bytes: Buffer): Buffer {
  bytes[321]! ^= 4;
  return bytes;
}

test('what an interrupted write left is moved aside', async () => {
  const folder = await goodRun();
  mkdirSync(join(folder, 'checkpoints', '.unfinished-abc', 'draft'), { recursive: true });
  writeFileSync(join(folder, 'config.json.tmp'), '{');
  const check = await checkRun(folder);
  expect(check.findings.map(({ part, harmless }) => [part, harmless])).toEqual([
    ['leftover', true],
    ['leftover', true],
  ]);
  repairRun(check, NOW);
  expect(await problems(folder)).toEqual([]);
  expect(existsSync(join(folder, 'aside', '2026-01-02T03-04-05.000Z', '.unfinished-abc', 'draft'))).toBe(true);
});

test('a truncated database is found, and left as it is', async () => {
  const folder = await goodRun();
  const file = join(folder, 'quorum.db');
  truncateSync(file, statSync(file).size / 2);
  const check = await checkRun(folder);
  expect(check.findings).toMatchObject([{ part: 'database', remedy: 'begin-again', harmless: false }]);
  const before = readFileSync(file);
  expect(repairRun(check, NOW)).toEqual([]);
  expect(readFileSync(file).equals(before)).toBe(true);
});

test('a database from the future is named, and left as it is', async () => {
  const folder = await goodRun();
  sql(folder, `PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  const problem = `has database version ${SCHEMA_VERSION + 1}; this Quorum knows versions up to ${SCHEMA_VERSION}`;
  expect(await problems(folder)).toEqual([['database', problem, null]]);
});

test('a database that somebody else has locked is named', async () => {
  const folder = await goodRun();
  // A file that no handle of this process is left on: libsql closes one only when it is collected.
  const file = join(folder, 'quorum.db');
  copyFileSync(file, join(folder, 'copy'));
  for (const name of ['quorum.db-wal', 'quorum.db-shm']) rmSync(join(folder, name), { force: true });
  renameSync(join(folder, 'copy'), file);
  const other = new Libsql(file);
  other.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE');
  expect(await problems(folder)).toEqual([['database', 'is locked by another process', null]]);
  other.close();
});

test('a gap in the chain of versions is found', async () => {
  const folder = await goodRun();
  sql(folder, 'INSERT INTO versions (n, parent, at) VALUES (5, 4, 0)');
  expect(await problems(folder)).toEqual([['versions', 'lacks versions 3 to 4', 'begin-again']]);
});

test('a batch that led to no version, and is not the newest, is found', async () => {
  const folder = await goodRun();
  sql(folder, 'INSERT INTO batches (id, parent, at) VALUES (0, 0, 0), (1, 0, 0)');
  expect((await problems(folder)).map(([part]) => part)).toEqual(['batches', 'batches']);
});

test.skipIf(process.platform === 'win32')('a folder open to others is closed', async () => {
  const folder = await goodRun();
  chmodSync(folder, 0o755);
  const check = await checkRun(folder);
  expect(check.findings).toMatchObject([{ part: 'folder', remedy: 'close-to-others' }]);
  repairRun(check, NOW);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test('a folder that a daemon has is not repaired', async () => {
  const folder = await goodRun();
  const check = await checkRun(folder);
  using run = openRunFolder(folder);
  expect(() => repairRun(check, NOW)).toThrow(`runFolder ${run.path} is in use by a daemon`);
});

test('an index that does not fit its table is rebuilt, and a copy is kept', async () => {
  const folder = await goodRun();
  // SQLite goes by the new definition; the entries are those of the old one.
  sql(
    folder,
    `PRAGMA writable_schema = ON;
     UPDATE sqlite_master SET sql = 'CREATE INDEX events_by_type ON events (type, at)' WHERE name = 'events_by_type'`,
  );
  const check = await checkRun(folder);
  expect(check.findings).toMatchObject([{ part: 'database', remedy: 'reindex', harmless: false }]);
  repairRun(check, NOW);
  expect(await problems(folder)).toEqual([]);
  expect(existsSync(join(folder, 'aside', '2026-01-02T03-04-05.000Z', 'quorum.db'))).toBe(true);
});
