/** Damaged or foreign files, and full disks. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { InputError } from '../../src/protocol/errors.ts';
import { SCHEMA_VERSION } from '../../src/store/migrations.ts';
import { openStore } from '../../src/store/open-store.ts';
import { startChild } from './child.ts';
import { group, question } from './messages.ts';
import { temporaryFolder } from '../support/temporary.ts';

function refusal(path: string): string {
  try {
    openStore(path).close();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

function sql(path: string, script: string): void {
  const db = new Libsql(path);
  db.exec(script);
  db.close();
}

test('a database from the future names both versions and is not touched', () => {
  const path = join(temporaryFolder(), 'quorum.db');
  openStore(path).close();
  sql(path, `PRAGMA user_version = ${SCHEMA_VERSION + 3}`);
  const before = readFileSync(path);
  expect(refusal(path)).toBe(
    `${path} has database version ${SCHEMA_VERSION + 3}, but this Quorum knows versions up to ${SCHEMA_VERSION}: start the newer Quorum that wrote it, or choose another run folder`,
  );
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("somebody else's database, a text file and a folder that is not there are refused by name", () => {
  const folder = temporaryFolder();
  const other = join(folder, 'bookmarks.db');
  sql(other, 'CREATE TABLE bookmarks (url TEXT)');
  expect(refusal(other)).toBe(`${other} is a SQLite database, but not one of Quorum's: choose another run folder`);
  const notes = join(folder, 'notes.txt');
  writeFileSync(notes, 'milk, bread, a database\n'.repeat(100));
  expect(refusal(notes)).toContain(`${notes} is damaged (file is not a database)`);
  const nowhere = join(folder, 'nowhere', 'quorum.db');
  expect(refusal(nowhere)).toContain(`${nowhere} cannot be opened`);
});

test('a damaged database is refused', () => {
  const path = join(temporaryFolder(), 'quorum.db');
  const store = openStore(path);
  for (let i = 0; i < 200; i++) store.event('filler', 'x'.repeat(500));
  store.close();
  const size = statSync(path).size;
  const file = openSync(path, 'r+');
  for (let page = 1; page < size / 4096; page++) writeSync(file, Buffer.alloc(4096, page), 0, 4096, page * 4096);
  closeSync(file);
  expect(refusal(path)).toContain(`${path} is damaged (`);
});

test('reading does not keep the log from being folded back into the database', () => {
  const path = join(temporaryFolder(), 'quorum.db');
  using store = openStore(path);
  for (let sequence = 0; sequence < 300; sequence++) {
    store.admit([{ sequence, question: question(`q${sequence}`) }]);
    store.saveGroups([{ ...group(sequence), question: question(`q${sequence}`) }]);
    for (let i = 0; i < 5; i++) store.event('filler', 'x'.repeat(2_000));
    store.events(1);
    store.latestVersion();
    store.meta('seed');
  }
  expect(statSync(path).size).toBeGreaterThan(2 ** 20);
  expect(statSync(`${path}-wal`).size).toBeLessThan(8 * 2 ** 20);
});

const tmpfs = ['unshare', '-rm', 'sh', '-c', 'mount -t tmpfs -o size=3m none "$0" && exec "$@"'];
const canMount = spawnSync(tmpfs[0]!, [...tmpfs.slice(1), '/mnt', 'true']).status === 0;

test.skipIf(!canMount)('a disk that fills up is named, and nothing that was saved is harmed', async () => {
  const folder = temporaryFolder();
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const child = startChild('./full-disk-child.ts', [disk], [...tmpfs, disk]);
  const lines: string[] = [];
  for await (const line of child.lines) lines.push(line);
  expect((await child.ended).errors).toBe('');
  const [saved, ...messages] = lines;
  expect(Number(saved)).toBeGreaterThan(5);
  const path = join(disk, 'run', 'quorum.db');
  expect(messages).toEqual([
    `InputError: no space left on the disk of ${path}: nothing saved before was harmed; free some space and start again`,
    `InputError: cannot write ${join(disk, 'run', 'checkpoints', 'v000002')}: no space left on the disk; nothing saved before was harmed`,
    `checkpoints 1, newest 1`,
    `found ${saved}, same true`,
    'continues',
  ]);
  expect(existsSync(path)).toBe(false);
});
