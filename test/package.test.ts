/** What makes the package install, compile and read well elsewhere; package.long.test.ts installs it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { compile, deadLinks, writeProject } from './support/consumer.ts';
import { temporaryFolder } from './support/temporary.ts';

test('every link of its pages leads to a file of the package', () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: readonly string[] };
  const packed = files
    .filter((file) => !file.startsWith('!') && file !== 'dist')
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`));
  expect(deadLinks(['README.md', 'LICENSE', ...packed])).toEqual([]);
  expect(deadLinks(['README.md'])).toContain('README.md -> docs/concepts.md');
});

test('its types need nothing of the project that uses it', () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(resolve('.'), join(folder, 'node_modules', 'quorum'), 'dir');
  writeProject(folder);
  expect(compile(folder, 'es2022 alone')).toBe('');
});

/** A project in which npm has unpacked the package and onnxruntime-node, and has run no script yet. */
function unpacked(): string {
  const folder = join(temporaryFolder(), 'node_modules');
  cpSync('bin', join(folder, 'quorum', 'bin'), { recursive: true });
  for (const part of ['package.json', 'script']) {
    cpSync(join('node_modules', 'onnxruntime-node', part), join(folder, 'onnxruntime-node', part), { recursive: true });
  }
  mkdirSync(join(folder, 'onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch), { recursive: true });
  // What the installer imports.
  for (const name of ['adm-zip', 'global-agent']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'index.js'), 'exports.bootstrap = () => {};');
  }
  return folder;
}

const { ONNXRUNTIME_NODE_INSTALL: _, npm_config_onnxruntime_node_install: __, ...PLAIN } = process.env;

test('where onnxruntime-node would download libraries for CUDA, its installer finds placeholders and downloads nothing', () => {
  const folder = unpacked();
  const [installer, libraries] = [
    join(folder, 'onnxruntime-node', 'script', 'install.js'),
    join(folder, 'onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch),
  ];
  const known = join(libraries, 'libonnxruntime_providers_cuda.so');
  if (existsSync(libraries)) writeFileSync(known, 'a library');
  execFileSync(process.execPath, [join(folder, 'quorum', 'bin', 'without-cuda.js')], { env: PLAIN });
  const offline = join(folder, 'offline.cjs');
  writeFileSync(offline, `require('node:https').get = () => { throw new Error('downloads'); };`);
  const install = (env: NodeJS.ProcessEnv) =>
    spawnSync(process.execPath, ['--require', offline, installer], { env, encoding: 'utf8' });
  expect(install(PLAIN)).toMatchObject({ status: 0, stderr: '' });
  expect(readFileSync(known, 'utf8')).toBe('a library'); // of an install with CUDA before this one
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  expect(readFileSync(join(libraries, 'libonnxruntime_providers_shared.so'), 'utf8')).toContain('quorum setup cuda');
  expect(install({ ...PLAIN, ONNXRUNTIME_NODE_INSTALL: 'true' }).stderr).toContain('downloads');
});

test.each(['ONNXRUNTIME_NODE_INSTALL', 'npm_config_onnxruntime_node_install'])(
  '%s is left to the installer',
  (name) => {
    const folder = unpacked();
    execFileSync(process.execPath, [join(folder, 'quorum', 'bin', 'without-cuda.js')], {
      env: { ...PLAIN, [name]: 'cuda12' },
    });
    expect(readdirSync(join(folder, 'onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch))).toEqual([]);
  },
);
