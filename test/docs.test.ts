import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { builtInPluginsPage } from '../docs/make-built-in-plugins.ts';
import { configurationPage } from '../docs/make-configuration.ts';
import { developmentPage } from '../docs/make-rooms.ts';
import { licencesPage } from '../docs/make-licences.ts';
import { declarationsOf } from '../docs/make-plugin-reference.ts';
import { publicApi } from '../docs/make-public-api.ts';
import { toSvg, withoutPaths } from '../docs/make-screenshot.ts';
import { createProgram } from '../src/cli/program.ts';
import { renderFrame } from '../src/cli/view/frame.ts';
import { describeConfig } from '../src/config/describe.ts';
import { RUNNING } from './cli/view/status.ts';

const PAGES = [
  'README.md',
  ...['docs', 'docs/recipes'].flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  ),
];

/** Files and packages that an import of `file` loads: what it imports with a value, and what that imports. */
function loadedBy(file: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file)) return found;
  found.add(file);
  const source = readFileSync(file, 'utf8');
  for (const [, from] of source.matchAll(/^(?:import|export)(?! type\b)(?: [^;]*? from)? '([^']+)';/gms)) {
    if (from!.startsWith('.')) loadedBy(join(dirname(file), from!), found);
    else found.add(from!);
  }
  return found;
}

describe('the documentation', () => {
  it('has the configuration as the schema has it (npx tsx docs/make-configuration.ts)', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationPage());
    for (const { path } of describeConfig()) expect(configurationPage()).toContain(`| \`${path}\` |`);
  });

  it('has the rooms as lint/rooms.js has them (npx tsx docs/make-rooms.ts)', () => {
    expect(readFileSync('docs/development.md', 'utf8')).toBe(developmentPage());
  });

  it('has the public API as the sources declare it (npx tsx docs/make-public-api.ts)', () => {
    expect(publicApi()).toBe(readFileSync('docs/public-api.txt', 'utf8'));
    const index = readFileSync('src/index.ts', 'utf8');
    const types = ['messages', 'ports'].flatMap((file) =>
      declarationsOf(readFileSync(`src/protocol/${file}.ts`, 'utf8')),
    );
    expect(types.map(({ name }) => name).filter((name) => !new RegExp(`\\b${name}\\b`).test(index))).toEqual([]);
  });

  it('has the examples as they are', () => {
    const page = readFileSync('docs/api.md', 'utf8');
    for (const name of readdirSync('examples')) {
      const code = readFileSync(join('examples', name), 'utf8').replace(/^\/\*\*[\s\S]*?\*\/\n/, '');
      expect(page).toContain(`\`examples/${name}\``);
      expect(page).toContain(`\`\`\`ts\n${code}\`\`\``);
    }
  });

  it('is light to import: no module that an import of quorum loads is an actor, a stream, a tensor or the daemon', () => {
    const loaded = loadedBy('src/index.ts');
    expect(loaded).toContain('src/config/schema.ts');
    const heavy = /^(actors|streams|dashboards|src\/(daemon|store|policy|roles|api\/))/;
    expect(
      [...loaded].filter(
        (file) => heavy.test(file) || /@tensorflow|onnxruntime|rxjs|xstate|piscina|libsql|sharp/.test(file),
      ),
    ).toEqual([]);
  });

  it('has the built-in plug-ins as their sources have them (npx tsx docs/make-built-in-plugins.ts)', async () => {
    expect(readFileSync('docs/built-in-plugins.md', 'utf8')).toBe(await builtInPluginsPage());
  });

  it('has the licences as the lockfile has them (npx tsx docs/make-licences.ts), all of which allow redistribution', () => {
    const page = readFileSync('docs/licences.md', 'utf8');
    expect(page).toBe(licencesPage());
    const licences = [...page.matchAll(/^## (.*)$/gm)].flatMap(([, text]) =>
      text!.replaceAll(/[()]/g, '').split(/ AND | OR /),
    );
    const known = [
      'MIT',
      'Apache-2.0',
      'LGPL-3.0-or-later',
      'BSD-2-Clause',
      'BSD-3-Clause',
      'ISC',
      '0BSD',
      'CC0-1.0',
      'Unlicense',
    ];
    expect([...new Set(licences)].filter((licence) => !known.includes(licence))).toEqual([]);
  });

  it.each(PAGES)('%s links to files that are there', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!);
    expect(links.filter((link) => !existsSync(resolve(dirname(page), link)))).toEqual([]);
  });

  it.each(PAGES)('%s names only commands and options that exist', (page) => {
    const { commands } = createProgram();
    for (const [, name, rest] of readFileSync(page, 'utf8').matchAll(/^\s*(?:npx )?quorum ([a-z]+)(.*)$/gm)) {
      expect(commands.map((command) => command.name())).toContain(name);
      const command = commands.find((each) => each.name() === name)!;
      const known = [command, ...command.commands].flatMap(({ options }) => options.map(({ long }) => long));
      for (const [option] of rest!.split('#')[0]!.matchAll(/--[a-z-]+/g))
        expect([...known, '--help']).toContain(option);
    }
  });
});

describe('the picture of the terminal', () => {
  it('holds the words of the frame, escaped, and no escape codes', () => {
    const notes = [{ at: 0, text: 'a < b & "c"' }];
    const svg = toSvg(
      renderFrame({ ...RUNNING, notes }, { width: 96, rows: 60, colors: pc.createColors(true) }),
      'title',
    );
    expect(svg).toContain('>waiting for a credit</text>');
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;');
    expect(svg).not.toContain('\u001b');
  });

  it('leaves out where things are on this machine', () => {
    expect(withoutPaths({ ...RUNNING, model: '/home/me/models/mini' }).model).toBe('mini');
  });
});
