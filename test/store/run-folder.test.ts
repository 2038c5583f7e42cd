import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { makeFolder } from '../../src/lib/make-folder.ts';
import { InputError } from '../../src/protocol/errors.ts';
import { checkRun } from '../../src/store/check-run.ts';
import { ENTRY_NAMES } from '../../src/store/run-entries.ts';
import { standInFor } from '../../src/store/stand-in.ts';
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
  expect(refusal(folder)).toBe(
    `runFolder ${folder} is not a run folder (it holds empty, but no run.json): choose an empty or a new folder`,
  );
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

test('settings may change between launches; data and seed may not, but their folder may move', () => {
  using run = openRunFolder(temporaryFolder());
  run.saveConfig(parseConfig({ model: '/a/mini', seed: 1 }));
  run.saveConfig(parseConfig({ model: '/b/mini', seed: 1, learner: { learningRate: 1e-4 } }));
  expect(JSON.parse(readFileSync(run.config, 'utf8'))).toMatchObject({ learner: { learningRate: 1e-4 } });
  const change = (input: ConfigInput) => () => run.saveConfig(parseConfig({ model: '/b/mini', seed: 1, ...input }));
  const begun = `runFolder ${run.path} was begun with`;
  const fix = 'set it back, or choose another run folder';
  expect(change({ seed: 2 })).toThrow(`${begun} seed 1, which is now 2: ${fix}`);
  expect(change({ data: { type: 'figures', rendering: 'hard' } })).toThrow(
    `${begun} data.rendering plain, which is now hard: ${fix}`,
  );
  expect(change({ data: { type: 'jsonl', trainFile: '/x/t.jsonl' } })).toThrow(
    `${begun} data.type figures, which is now jsonl: ${fix}`,
  );
});

test.runIf(process.platform === 'linux')('a folder that the file system refuses with ENOENT is refused at once', () => {
  expect(refusal('/proc/quorum/run')).toMatch(
    /^runFolder \/proc\/quorum\/run cannot be made \(ENOENT.*choose another folder$/,
  );
  expect(() => makeFolder('/proc/quorum')).toThrow('ENOENT');
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  expect(() => makeFolder(file)).toThrow('EEXIST');
  expect(() => makeFolder(join(file, 'below'))).toThrow('ENOTDIR');
});

describe('an entry of an odd kind: one sentence with the path, what it is, and the fix', () => {
  const asFolder = (path: string) => mkdirSync(path);
  const asLink = (path: string) => symlinkSync('/nowhere/at/all', path);
  const asPipe = (path: string) => execFileSync('mkfifo', [path]);
  const asFile = (path: string) => writeFileSync(path, '');
  const odd = {
    'a folder': asFolder,
    'a link to /nowhere/at/all, which is not there': asLink,
    'a pipe': asPipe,
    'a file': asFile,
  };

  test.each(ENTRY_NAMES)('%s', async (name) => {
    const folder = join(temporaryFolder(), 'run');
    openRunFolder(folder).release();
    const path = join(folder, name);
    rmSync(path, { recursive: true, force: true });
    let refused = 0;
    for (const [kind, put] of Object.entries(odd)) {
      put(path);
      const words = await wordsOf(folder);
      if (words === undefined) expect([name, kind]).toEqual([name, expect.stringMatching(allowed(name))]);
      else {
        expect(words).toMatch(
          /^is .* but must be a (file|folder|socket|link): (move it away|make what it leads to, or remove the link)/,
        );
        expect(words.startsWith(`is ${kind}, but`)).toBe(true);
        refused++;
      }
      rmSync(path, { recursive: true, force: true });
    }
    expect(refused).toBeGreaterThanOrEqual(2);
  });

  const allowed = (name: string): RegExp => (name.startsWith('model') ? /link/ : /^a (file|folder)$/);

  /** Of a start, `--dry-run` and doctor, which agree. */
  async function wordsOf(folder: string): Promise<string | undefined> {
    const [finding] = (await checkRun(folder)).findings.filter(({ part }) => part === 'entry');
    if (!finding) return undefined;
    const messages = [openRunFolder, standInFor].map((open) => {
      try {
        open(folder)[Symbol.dispose]();
        return undefined;
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return (error as Error).message;
      }
    });
    const told = `${finding.path} ${finding.problem}`;
    expect(messages).toEqual([told, told]);
    return finding.problem;
  }

  test('what lies at the place of the folder itself, or above it', () => {
    const folder = temporaryFolder();
    symlinkSync('/nowhere', join(folder, 'link'));
    writeFileSync(join(folder, 'file'), '');
    expect(refusal(join(folder, 'link'))).toBe(
      `runFolder ${folder}/link is a link to /nowhere, which is not there: name a folder`,
    );
    expect(refusal('/dev/null')).toBe('runFolder /dev/null is a device: name a folder');
    expect(refusal(join(folder, 'file/a/b'))).toBe(
      `runFolder ${folder}/file/a/b cannot be made, because ${folder}/file is a file: name another folder`,
    );
  });

  test.skipIf(process.getuid?.() === 0)('what cannot be read', () => {
    const folder = join(temporaryFolder(), 'run');
    openRunFolder(folder).release();
    chmodSync(join(folder, 'run.json'), 0);
    expect(refusal(folder)).toBe(`${folder}/run.json cannot be read: this user has no permission; make it readable`);
  });

  test.skipIf(process.getuid?.() === 0)('an empty folder in which this user may not write', () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o555);
    expect(() => openRunFolder(folder)).toThrow(`cannot write ${folder}: no permission`);
    chmodSync(folder, 0o755);
  });

  test('a link to an entry elsewhere is followed', () => {
    const folder = join(temporaryFolder(), 'run');
    openRunFolder(folder).release();
    renameSync(join(folder, 'checkpoints'), `${folder}-checkpoints`);
    symlinkSync(`${folder}-checkpoints`, join(folder, 'checkpoints'));
    using again = openRunFolder(folder);
    expect(again.fresh).toBe(false);
  });
});
