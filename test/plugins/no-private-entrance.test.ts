/**
 * The plug-ins that come with Quorum are anybody's: they work from any folder, and import of ours what everybody may.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { importDefault } from '../../src/lib/import-default.ts';
import { API_VERSION, type PluginDefinition } from '../../src/index.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ROOT = join(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src/plugins');
const files = readdirSync(SOURCE).filter((file) => file.endsWith('.ts'));
const names = files.map((file) => file.slice(0, -'.ts'.length));

/** A user's project elsewhere, with the packages that its plug-ins need installed. */
function project(): string {
  const folder = temporaryFolder();
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

test('there are plug-ins to look at', () => {
  expect(names).toEqual(expect.arrayContaining(['majority', 'combine', 'mixture', 'jsonl']));
});

describe('copied out of the repository', () => {
  test.each(names)('%s loads as a plug-in of the same name', async (name) => {
    const folder = project();
    cpSync(SOURCE, join(folder, 'plugins'), { recursive: true });
    const definition = (await importDefault(
      `./plugins/${name}.ts`,
      join(folder, 'quorum.config.ts'),
    )) as PluginDefinition<unknown>;
    expect(definition).toMatchObject({ name, apiVersion: API_VERSION });
    expect(Object.values(definition.ports).every((open) => typeof open === 'function')).toBe(true);
  });
});

test.each(['majority', 'combine', 'intake'])(
  "quorum/plugins/%s is found from anybody's folder, without Quorum installed there",
  async (name) => {
    const definition = await importDefault(`quorum/plugins/${name}`, join(temporaryFolder(), 'quorum.config.ts'));
    expect(definition).toMatchObject({ name });
  },
);

test("a user's module may import one", async () => {
  const folder = project();
  mkdirSync(join(folder, 'mine'));
  writeFileSync(
    join(folder, 'mine/plugin.ts'),
    `import rank from 'quorum/plugins/rank';\nexport default { ...rank, name: 'mine' };\n`,
  );
  expect(await importDefault('./mine/plugin.ts', join(folder, 'quorum.config.ts'))).toMatchObject({
    name: 'mine',
    apiVersion: API_VERSION,
  });
});

describe('imports', () => {
  let packages: ReadonlySet<string>;

  beforeAll(() => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    packages = new Set(Object.keys(dependencies));
  });

  /** Another file of the folder, `quorum`, Node's modules, or a package that is on the registry. */
  function isPublic(specifier: string, file: string): boolean {
    if (specifier.startsWith('.')) return !join(dirname(file), specifier).startsWith('..');
    if (specifier === 'quorum') return true;
    if (specifier.startsWith('node:')) return builtinModules.includes(specifier.slice('node:'.length));
    const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1);
    return packages.has(name.join('/'));
  }

  const every = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  test.each(every)('%s', (file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8');
    const specifiers = [...text.matchAll(/(?:from|import|import\()\s*['"]([^'"]+)['"]/g)].map(
      ([, specifier]) => specifier!,
    );
    if (files.includes(file)) expect(specifiers).toContain('quorum');
    expect(specifiers.filter((specifier) => !isPublic(specifier, file))).toEqual([]);
  });

  test.each([
    '../protocol/messages.ts',
    './shared/../../protocol/ports.ts',
    'quorum/dist/src/daemon/daemon.js',
    'left-pad',
  ])('%s would be found', (specifier) => {
    expect(isPublic(specifier, 'majority.ts')).toBe(false);
  });
});
