/**
 * The packed package in a project outside the repository: a plain `npm install`, its types, a first step. It uses the
 * npm registry only.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, deadLinks, TSCONFIGS, writeProject } from './support/consumer.ts';

const TIMEOUT = 600_000;
/** Without what npm and `.ci/run` tell the scripts of this repository. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/onnxruntime|^npm_(package|lifecycle|config_local)/i.test(name)),
);

let folder: string;
let files: readonly string[];

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, {
    cwd: folder,
    env: ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

beforeAll(() => {
  const parent = mkdtempSync(join(tmpdir(), 'quorum-package-'));
  folder = join(parent, 'project');
  mkdirSync(folder);
  const pack = execFileSync('npm', ['pack', '--json', '--pack-destination', parent], {
    env: ENVIRONMENT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  const [{ filename, files: packed }] = JSON.parse(pack) as [{ filename: string; files: { path: string }[] }];
  files = packed.map(({ path }) => path);
  writeProject(folder);
  run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', join('..', filename));
}, TIMEOUT);

afterAll(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

test('it installs without the CUDA libraries', () => {
  const library = join(
    folder,
    'node_modules',
    'onnxruntime-node',
    'bin',
    'napi-v6',
    'linux',
    'x64',
    'libonnxruntime_providers_cuda.so',
  );
  const isThere = existsSync(library); // on Linux x64
  expect(isThere ? readFileSync(library, 'utf8').slice(0, 100) : 'Not a library').toContain('Not a library');
});

test('it has its documentation', () => {
  expect(files).toEqual(
    expect.arrayContaining([
      'README.md',
      'docs/concepts.md',
      'docs/pictures/now-dark.png',
      'deploy/quorum.service',
      'bin/quorum.js',
    ]),
  );
  const isSource = (file: string) => /\.(test|ts)$/.test(file) && !file.endsWith('.d.ts');
  expect(files.filter((file) => isSource(file) && !file.startsWith('examples/'))).toEqual([]);
  expect(deadLinks(files)).toEqual([]);
});

test.each(Object.keys(TSCONFIGS) as (keyof typeof TSCONFIGS)[])('its types compile: %s', (name) => {
  expect(compile(folder, name)).toBe('');
});

test(
  'it makes a first step, with a configuration and a plug-in of the project',
  () => {
    const settings = [
      'dashboard.port=null',
      'evaluation.fullQuestions=4',
      'evaluation.questions=4',
      'evaluation.k=2',
      'loop.batchGroups=2',
    ];
    const out = run(
      'npx',
      '--no-install',
      'quorum',
      'start',
      '--steps',
      '1',
      '--run',
      'run',
      '--json',
      ...settings.flatMap((each) => ['--set', each]),
    );
    expect(JSON.parse(out.trim().split('\n').at(-1)!)).toMatchObject({ type: 'report', end: 'steps', steps: 1 });
    expect(existsSync(join(folder, 'run', 'model', 'model.safetensors'))).toBe(true);
  },
  TIMEOUT,
);

test('a CommonJS file requires it', () => {
  expect(run('node', '--no-warnings', '-p', `typeof require('quorum').definePlugin`)).toBe('function\n');
});
