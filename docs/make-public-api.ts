/**
 * Writes docs/public-api.txt: every name that a script or a plug-in can import, with its declaration, so that a change
 * of the public API shows as a change of that file. `npx tsx docs/make-public-api.ts`; a test fails when the file is
 * out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { declarationsOf } from './make-plugin-reference.ts';

const FILE = new URL('./public-api.txt', import.meta.url);

const HEAD =
  'Made by `npx tsx docs/make-public-api.ts`: the names that each module exports, as they are declared. Built-in plug-ins have a default export.';

/** Those of package.json's exports that have names. */
const MODULES = {
  quorum: 'src/index.ts',
  'quorum/testing': 'src/testing.ts',
  'quorum/objectives': 'src/objectives.ts',
  'quorum/xstate': 'actors/from-machine.ts',
  'quorum/rxjs': 'streams/from-operator.ts',
} as const;

const EXPORTS = /^export (?:type )?\{([^}]*)\} from '(.*)';/gm;

interface Exported {
  readonly name: string;
  readonly text: string;
}

/** The file. @throws Error for an export whose declaration is not in the module that it is exported from. */
export function publicApi(): string {
  const sections = Object.entries(MODULES).map(([module, file]) => {
    const exported = exportsOf(file).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return [`# ${module}`, ...exported.map(({ text }) => text)].join('\n\n');
  });
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}

function exportsOf(file: string): readonly Exported[] {
  const source = read(file);
  if (/^export (type )?\*/m.test(source)) throw new Error(`${file} exports "*": name what it exports`);
  const listed = [...source.matchAll(EXPORTS)].flatMap(([, names = '', from = '']) => {
    const declared = declaredIn(read(join(dirname(file), from)));
    return names
      .split(',')
      .map((name) => name.replace('type ', '').trim())
      .filter((name) => name !== '')
      .map((name) => declared.find((each) => each.name === name) ?? missing(name, from));
  });
  return [...listed, ...declaredIn(source)];
}

function declaredIn(source: string): readonly Exported[] {
  return declarationsOf(source).map(({ name, text }) => ({ name, text: withoutComments(text) }));
}

function missing(name: string, from: string): never {
  throw new Error(`${name} is not declared in ${from}: export it from the module that declares it`);
}

function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/ *\/\/.*$/gm, '')
    .replaceAll(/^\s*\n/gm, '')
    .trim();
}

function read(file: string): string {
  return readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(FILE, publicApi());
