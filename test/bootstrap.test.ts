import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  bootstrap,
  installFailure,
  installProgress,
  missingPackages,
  needsBuild,
  needsClientBuild,
  nodeProblem,
} from '../bin/bootstrap.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quorum-bootstrap-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, value: unknown, at?: Date): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), typeof value === 'string' ? value : JSON.stringify(value));
  if (at) utimesSync(join(root, path), at, at);
}

describe('nodeProblem', () => {
  it.each([
    ['20.19.0', null],
    ['22.1.0', null],
    ['20.18.3', /needs Node >=20\.19, and this is Node 20\.18\.3/],
    ['18.20.0', /nvm install/],
  ])('judges Node %s', (version, expected) => {
    const problem = nodeProblem(version, '>=20.19');
    if (expected === null) expect(problem).toBeNull();
    else expect(problem).toMatch(expected);
  });
});

describe('missingPackages', () => {
  const lock = {
    packages: {
      '': { name: 'quorum' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0' },
      'node_modules/a/node_modules/b': { version: '1.5.0' },
      'node_modules/gpu': { version: '1.0.0', optional: true },
    },
  };

  it('names everything but the optional on a fresh clone', () => {
    write('package-lock.json', lock);
    expect(missingPackages(root)).toEqual(['node_modules/a', 'node_modules/b', 'node_modules/a/node_modules/b']);
  });

  it('names what is absent or of another version, and nothing else', () => {
    write('package-lock.json', lock);
    write('node_modules/.package-lock.json', {
      packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.9.9' } },
    });
    expect(missingPackages(root)).toEqual(['node_modules/b', 'node_modules/a/node_modules/b']);
    write('node_modules/.package-lock.json', lock);
    expect(missingPackages(root)).toEqual([]);
  });
});

describe('an install', () => {
  const lock = {
    packages: {
      '': { name: 'quorum' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '1.0.0' },
    },
  };

  /** Runs `source` as npm in a clone that lacks two packages. @returns what is said meanwhile */
  function installing(source: string): { readonly said: string[]; readonly done: Promise<void> } {
    write('package.json', { engines: { node: '>=20.19' } });
    write('tsconfig.json', {});
    write('package-lock.json', lock);
    write('npm-cli.js', source);
    const said: string[] = [];
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    vi.stubEnv('npm_execpath', join(root, 'npm-cli.js'));
    onTestFinished(() => {
      stderr.mockRestore();
      vi.unstubAllEnvs();
    });
    return { said, done: bootstrap({ root, build: false, everySeconds: 0.02 }) };
  }

  it('says how far it is, and how long it took', async () => {
    const npm = `const { existsSync } = require('node:fs');
const wait = setInterval(() => existsSync('goes-on') && clearInterval(wait), 5);`;
    const { said, done } = installing(npm);
    await vi.waitFor(() => expect(said.join('')).toContain('  0 of 2 packages unpacked after 0 s\n'), 30_000);
    write('node_modules/a/package.json', {});
    await vi.waitFor(() => expect(said.join('')).toMatch(/ {2}1 of 2 packages unpacked after \d+ s\n/), 30_000);
    write('goes-on', '');
    await done;
    expect(said[0]).toBe('Installing 2 packages (once; one to three minutes) ...\n');
    expect(said.at(-1)).toMatch(/^Installed in \d+ s\.\n$/);
  });

  it('that fails says what npm said', async () => {
    const { done } = installing(`console.error('npm error code EACCES'); process.exitCode = 1;`);
    await expect(done).rejects.toThrow('npm says:\nnpm error code EACCES');
  });

  it('counts packages inside packages', () => {
    write('node_modules/a/node_modules/b/package.json', {});
    expect(installProgress(root, ['node_modules/a', 'node_modules/a/node_modules/b'], 61.4)).toBe(
      '  1 of 2 packages unpacked after 61 s',
    );
  });
});

describe('needsBuild', () => {
  const [past, built, later] = [new Date(1_000_000), new Date(2_000_000), new Date(3_000_000)];

  beforeEach(() => {
    for (const file of [
      'tsconfig.json',
      'tsconfig.build.json',
      'package-lock.json',
      'src/deep/file.ts',
      'src/notes.md',
    ])
      write(file, '{}', past);
    for (const folder of ['src', 'src/deep']) utimesSync(join(root, folder), past, past);
  });

  it('is true before the first build and false after it', () => {
    expect(needsBuild(root)).toBe(true);
    write('dist/.built', '', built);
    expect(needsBuild(root)).toBe(false);
  });

  it('is true when a source or a folder of sources changed, not for other files', () => {
    write('dist/.built', '', built);
    utimesSync(join(root, 'src/notes.md'), later, later);
    expect(needsBuild(root)).toBe(false);
    utimesSync(join(root, 'src/deep/file.ts'), later, later);
    expect(needsBuild(root)).toBe(true);
    utimesSync(join(root, 'src/deep/file.ts'), past, past);
    utimesSync(join(root, 'src/deep'), later, later);
    expect(needsBuild(root)).toBe(true);
  });
});

describe('needsClientBuild', () => {
  const [past, built, later] = [new Date(1_000_000), new Date(2_000_000), new Date(3_000_000)];

  it.each([
    'dashboards/client/pages/now.tsx',
    'dashboards/client/styles/base.css',
    'dashboards/client/index.html',
    'src/protocol/frames.ts',
  ])('is true after %s changed, and the daemon is not built again for it where it is a page', (path) => {
    const folders = [
      'src',
      'src/protocol',
      'dashboards',
      'dashboards/client',
      'dashboards/client/pages',
      'dashboards/client/styles',
    ];
    for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', path]) write(file, '', past);
    for (const folder of folders) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    for (const folder of folders) utimesSync(join(root, folder), past, past);
    expect(needsClientBuild(root)).toBe(true);
    for (const stamp of ['dist/.built', 'dist/.built-client']) write(stamp, '', built);
    expect(needsClientBuild(root)).toBe(false);
    utimesSync(join(root, path), later, later);
    expect(needsClientBuild(root)).toBe(true);
    expect(needsBuild(root)).toBe(path.startsWith('src/'));
  });
});

describe('npm run build', () => {
  it('builds also what is new, and leaves nothing to build for the next start', { timeout: 120_000 }, async () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
    expect(scripts['build']).toBe('node bin/bootstrap.js --build-anew');
    symlinkSync(join(process.cwd(), 'node_modules'), join(root, 'node_modules'));
    write('package.json', { type: 'module', engines: { node: '>=20.19' } });
    write('package-lock.json', { packages: {} });
    const compilerOptions = { rootDir: '.', outDir: 'dist', types: [] };
    for (const name of ['tsconfig.json', 'tsconfig.build.json']) write(name, { compilerOptions, include: ['src'] });
    write('src/one.ts', 'export const one = 1;');
    write('dashboards/client/index.html', '<p>1</p>');
    const out = `export default { root: import.meta.dirname, build: { outDir: '${root}/dist/client', emptyOutDir: true } };`;
    write('dashboards/client/vite.config.ts', out);
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    onTestFinished(() => said.mockRestore());
    const made = (): boolean[] =>
      ['src/one.js', 'client/index.html'].map((path) => existsSync(join(root, 'dist', path)));
    for (let time = 0; time < 2; time++) {
      rmSync(join(root, 'dist/src'), { recursive: true, force: true });
      await bootstrap({ root, build: true, anew: true });
      expect([made(), needsBuild(root), needsClientBuild(root)]).toEqual([[true, true], false, false]);
    }
    rmSync(join(root, 'dist/client'), { recursive: true });
    await bootstrap({ root, build: true });
    expect(made()).toEqual([true, false]);
  });
});

describe('installFailure', () => {
  it('says that the registry cannot be reached', () => {
    const message = installFailure(
      'npm error code ENOTFOUND\nnpm error network request to https://registry.npmjs.org/zod failed',
      '/q',
    );
    expect(message).toMatch(/registry cannot be reached \(ENOTFOUND\)/);
  });

  it('otherwise shows what npm says and where to run it', () => {
    expect(installFailure('noise\nnpm error code EACCES\nnpm error path /x', '/q')).toMatch(
      /npm error code EACCES\nnpm error path \/x\nRun `npm ci` in \/q/,
    );
  });
});
