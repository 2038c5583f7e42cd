import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { makeFolder } from '../../src/make-folder.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { findDaemon, openRunFolder, RUN_FORMAT, runPaths } from '../../src/store/run-folder.ts';
import { temporaryFolder } from '../support/temporary.ts';

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

function refusal(folder: string): string {
  try {
    openRunFolder(folder).release();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error('was not refused');
}

test('a new folder is private, laid out, and its own again when released', () => {
  const folder = join(temporaryFolder(), 'runs', 'one');
  const run = openRunFolder(folder);
  expect(run.fresh).toBe(true);
  expect([mode(folder), mode(run.logFolder), mode(run.checkpointsFolder)]).toEqual(['700', '700', '700']);
  expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ format: RUN_FORMAT });
  const config = parseConfig({ seed: 7 });
  run.saveConfig(config);
  expect(JSON.parse(readFileSync(run.config, 'utf8'))).toEqual(config);
  run.release();
  run.release();
  expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'config.json', 'lock', 'log', 'run.json']);
  using again = openRunFolder(folder);
  expect(again.fresh).toBe(false);
});

test('an empty folder of the user becomes private; a folder with something else in it is left alone', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'empty'), { mode: 0o755 });
  openRunFolder(join(folder, 'empty')).release();
  expect(mode(join(folder, 'empty'))).toBe('700');
  writeFileSync(join(folder, 'thesis.tex'), '');
  expect(refusal(folder)).toBe(`runFolder ${folder} is not a run folder (it holds empty, but no run.json): choose an empty or a new folder`);
  expect(readdirSync(folder).sort()).toEqual(['empty', 'thesis.tex']);
});

test('a file, a folder from another format, and a damaged run.json are refused by name', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'run.json');
  writeFileSync(file, JSON.stringify({ format: RUN_FORMAT + 1, created: 'tomorrow' }));
  expect(refusal(folder)).toBe(
    `runFolder ${folder} has format 2, but this Quorum reads format 1: start the newer Quorum that wrote it, or choose another run folder`,
  );
  writeFileSync(file, '{');
  expect(refusal(folder)).toBe(`${file} is damaged: restore it, or choose another run folder`);
  expect(refusal(file)).toBe(`runFolder ${file} is a file: name a folder`);
});

test('there is no daemon in a folder that does not exist, and looking does not make it', () => {
  const folder = join(temporaryFolder(), 'nothing');
  expect(findDaemon(folder)).toBeUndefined();
  expect(() => statSync(folder)).toThrow('ENOENT');
});

test('the socket of a folder with a long name is short, and its own', () => {
  const long = (last: string) => runPaths(`/${'deep/'.repeat(40)}${last}`).socket;
  expect(Buffer.byteLength(long('a'))).toBeLessThan(104);
  expect(long('a')).not.toBe(long('b'));
});

test('settings may change between sittings; data and seed may not, but their folder may move', () => {
  using run = openRunFolder(temporaryFolder());
  run.saveConfig(parseConfig({ model: '/a/mini', seed: 1 }));
  run.saveConfig(parseConfig({ model: '/b/mini', seed: 1, learner: { learningRate: 1e-4 } }));
  expect(JSON.parse(readFileSync(run.config, 'utf8'))).toMatchObject({ learner: { learningRate: 1e-4 } });
  const change = (input: ConfigInput) => () => run.saveConfig(parseConfig({ model: '/b/mini', seed: 1, ...input }));
  const begun = `runFolder ${run.path} was begun with`;
  const fix = 'set it back, or choose another run folder';
  expect(change({ seed: 2 })).toThrow(`${begun} seed 1, which is now 2: ${fix}`);
  expect(change({ data: { type: 'figures', rendering: 'hard' } })).toThrow(`${begun} data.rendering plain, which is now hard: ${fix}`);
  expect(change({ data: { type: 'jsonl', trainFile: '/x/t.jsonl' } })).toThrow(`${begun} data.type figures, which is now jsonl: ${fix}`);
});

test.runIf(process.platform === 'linux')('a folder that the file system refuses with ENOENT is refused at once', () => {
  expect(refusal('/proc/quorum/run')).toMatch(/^runFolder \/proc\/quorum\/run cannot be made \(ENOENT.*choose another folder$/);
  expect(() => makeFolder('/proc/quorum')).toThrow('ENOENT');
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'below'))).toThrow('ENOTDIR');
});
