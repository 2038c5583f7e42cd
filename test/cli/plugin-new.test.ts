/**
 * Packages written for each port are type-checked and tested as their author would, against a Quorum that is built and
 * installed as a package.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { needsBuild } from '../../bin/bootstrap.js';
import { createProgram } from '../../src/cli/program.ts';
import { TEMPLATES } from '../../src/cli/scaffold/ports.ts';
import { loadPlugin } from '../../src/plugin/load.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ROOT = join(import.meta.dirname, '../..');
const MODULES = join(ROOT, 'node_modules');
const ports = Object.keys(TEMPLATES);
const run = promisify(execFile);

/** Also what the process said, which an error would not show. */
async function node(script: string, arguments_: readonly string[], cwd: string): Promise<string> {
  const output = await run(process.execPath, [join(MODULES, script), ...arguments_], { cwd }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return `${output.stdout}${output.stderr}`;
}

async function write(...arguments_: string[]): Promise<void> {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await createProgram().parseAsync(['plugin', 'new', ...arguments_], { from: 'user' });
  log.mockRestore();
}

describe('a package for each port', () => {
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'quorum-test-'));
    const quorum = join(folder, 'node_modules/quorum');
    mkdirSync(quorum, { recursive: true });
    if (needsBuild(ROOT)) {
      const build = ['-p', 'tsconfig.build.json', '--outDir', join(quorum, 'dist')];
      const errors = await node('typescript/bin/tsc', build, ROOT);
      if (errors !== '') throw new Error(errors);
    } else cpSync(join(ROOT, 'dist'), join(quorum, 'dist'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(quorum, 'package.json'));
    symlinkSync(MODULES, join(quorum, 'node_modules'), 'dir');
    for (const name of ['vitest', 'zod', '@types'])
      symlinkSync(join(MODULES, name), join(folder, 'node_modules', name), 'dir');
    for (const port of ports) await write(`my-${port}`, '--port', port, '--dir', join(folder, `my-${port}`));
  }, 300_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is typed', async () => {
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: './my-reward/tsconfig.json', include: ['my-*/src', 'my-*/test'] }),
    );
    for (const port of ports)
      expect(readFileSync(join(folder, `my-${port}/tsconfig.json`))).toEqual(
        readFileSync(join(folder, 'my-reward/tsconfig.json')),
      );
    expect(await node('typescript/bin/tsc', ['-p', folder], folder)).toBe('');
    const reward = join(folder, 'my-reward/src/index.ts');
    const right = readFileSync(reward, 'utf8');
    writeFileSync(reward, right.replace('options.weight * vote', '`${vote}`'));
    expect(await node('typescript/bin/tsc', ['-p', folder], folder)).toMatch(/my-reward\/src\/index\.ts.*error/);
    writeFileSync(reward, right);
  }, 120_000);

  test('is tested, and its test can fail', async () => {
    const [reward, filter] = ['reward', 'filter'].map((port) => join(folder, `my-${port}/src/index.ts`));
    expect(
      await node('vitest/vitest.mjs', ['run', '--root', folder, '--maxWorkers', '1', '--no-isolate'], folder),
    ).toMatch(new RegExp(`Tests.*${ports.length} passed`));
    for (const file of [reward!, filter!])
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('options.weight * vote', '0').replace('> options', '< -options'),
      );
    expect(await node('vitest/vitest.mjs', ['run', '--root', folder, 'my-reward', 'my-filter'], folder)).toMatch(
      /Tests.*2 failed/,
    );
  }, 240_000);

  test.each(ports)('%s is loaded by its path', async (port) => {
    const plugin = await loadPlugin(`./my-${port}/src/index.ts`, folder);
    expect(plugin.name).toBe(`my-${port}`);
    expect(Object.keys(plugin.ports)).toEqual([port]);
  });
});

test('a folder that holds something, and a bad name, are refused', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'a.txt'), '');
  await expect(write('mine', '--port', 'reward', '--dir', folder)).rejects.toThrow('is a folder that is not empty');
  await expect(write('../mine', '--port', 'reward')).rejects.toThrow('is no name for a plug-in');
  const silent = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await expect(write('mine', '--port', 'rewards')).rejects.toThrow('Allowed choices are ask, sample');
  silent.mockRestore();
});
