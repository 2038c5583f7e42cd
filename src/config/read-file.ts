/**
 * Finds and reads a configuration file of any kind. Each fault becomes one sentence with the file, the fault and the
 * fix.
 */
import { readFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { parse as parseYaml, parseDocument } from 'yaml';
import { entryKind } from '../lib/entry-kind.ts';
import { InputError } from '../protocol/errors.ts';
import { withDeadline } from '../lib/deadline.ts';
import { importDefault, resolveImport } from '../lib/import-default.ts';

const READERS: Readonly<Record<string, (path: string) => unknown>> = {
  '.ts': readModule,
  '.mts': readModule,
  '.js': readModule,
  '.mjs': readModule,
  '.json': readJson,
  '.yaml': readYaml,
  '.yml': readYaml,
};
const NAMES = Object.keys(READERS).map((extension) => `quorum.config${extension}`);

/** How long a module may take to give its configuration. */
const MODULE_SECONDS = 20;
const WRITE = 'write `export default defineConfig({ ... })`';

/** The configuration file in `cwd`, if there is one. @throws InputError where there are two. */
export function findFile(cwd: string): string | undefined {
  const found = NAMES.filter((name) => entryKind(join(cwd, name)) !== undefined);
  if (found.length > 1)
    throw new InputError(`${cwd} has ${found.join(' and ')}: keep one of them, or name one with --config`);
  return found[0] && join(cwd, found[0]);
}

/** @throws InputError. */
export async function readFile(path: string): Promise<unknown> {
  const extension = extname(path);
  const kind = entryKind(path);
  if (kind === undefined) throw new InputError(`the configuration file ${path} does not exist`);
  if (kind !== 'a file')
    throw new InputError(
      `the configuration file ${path} is ${kind}: put a file in its place, or name another with --config`,
    );
  const read = READERS[extension];
  if (!read)
    throw new InputError(
      `the configuration file ${path} ends in ${extension || 'nothing'}; allowed: ${Object.keys(READERS).join(', ')}`,
    );
  try {
    const given = await read(path);
    refuseLoop(given);
    return given;
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${reasonOf(error, path)}`, { cause: error });
  }
}

/** A library may add a picture of the place, which is more than a sentence. */
function reasonOf(error: unknown, path: string): string {
  const { code, message } =
    error instanceof Error
      ? (error as NodeJS.ErrnoException)
      : { code: undefined, message: `it throws ${String(error)}` };
  if (code === 'EACCES' || code === 'EPERM') return 'this user has no permission: make it readable';
  const [first = 'it throws an error without a message', second = ''] = message
    .split(/:?\n/)
    .filter((line) => line.trim() !== '');
  const [, file = '', line, column] = /^\s*(.*):(\d+):(\d+)$/.exec(second) ?? []; // babel, in jiti, reports the position like this
  if (line === undefined) return first;
  return `${first.trim()} (${file === path || file === '' ? '' : `${relative(dirname(path), file)}, `}line ${line}, column ${column})`;
}

function textOf(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) throw new Error('it is not UTF-8 text: save it as UTF-8', { cause: error });
    throw error;
  }
}

function readJson(path: string): unknown {
  const text = textOf(path);
  if (text.trim() === '') throw new Error('it is empty: write {} for the defaults');
  try {
    const given: unknown = JSON.parse(text);
    const twice = parseDocument(text).errors.find(({ code }) => code === 'DUPLICATE_KEY');
    if (twice)
      throw new Error(`a key is given twice ${/at line.*column \d+/.exec(twice.message)?.[0] ?? ''}: keep one of them`);
    return given;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const hint = /\/[/*]|,\s*[}\]]/.test(text)
      ? '; JSON takes no comments and no comma at the end of a list: remove them, or make it a .yaml file'
      : '';
    throw new Error(`${error.message.split('\n')[0]}${placeOf(text, error.message)}${hint}`, { cause: error });
  }
}

/** Newer versions of Node name the line themselves. */
function placeOf(text: string, message: string): string {
  const position = message.includes('line') ? undefined : /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${before.at(-1)!.length + 1})`;
}

function readYaml(path: string): unknown {
  try {
    return (parseYaml(textOf(path)) as unknown) ?? {};
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    if (code === 'MULTIPLE_DOCS')
      throw new Error('it holds several documents: keep one, without `---` between', { cause: error });
    if (code === 'DUPLICATE_KEY')
      throw new Error(message.replace('Map keys must be unique', 'a key is given twice'), { cause: error });
    throw error;
  }
}

async function readModule(path: string): Promise<unknown> {
  refuseCircle(path);
  const name = 'evaluating its module (a top-level await may never settle)';
  const given = await withDeadline(name, MODULE_SECONDS, undefined, () => importDefault(path, path)).catch(
    (error: unknown) => {
      // An import of jiti asks the default export for its `then`.
      if (error instanceof TypeError && error.message === "Cannot read properties of null (reading 'then')")
        return null;
      throw error;
    },
  );
  if (!/\bexports?\b/.test(textOf(path))) throw new Error(`it exports nothing: ${WRITE}`);
  if (typeof given === 'object' && given !== null && !(Object.hasOwn(given, 'default') && '__esModule' in given))
    return given;
  if (typeof given === 'function')
    throw new Error(`its default export is a function: export what it returns, or ${WRITE}`);
  throw new Error(
    `its default export is ${given === null || typeof given !== 'object' ? JSON.stringify(given) : 'undefined'}: ${WRITE}`,
  );
}

const COMMENTS = /\/\*[\s\S]*?\*\//g;
/** A relative path that is imported when the module is. */
const IMPORTS =
  /^\s*(?:import|export)\b(?!\s+type\b)(?:[^'"`;]*?\bfrom\b)?\s*['"](\.[^'"]*)['"]|^[^/\n]*\brequire\(\s*['"](\.[^'"]*)['"]/gm;

/**
 * Of modules that import each other one is read before the other is complete: what it gets is undefined, with no word.
 */
function refuseCircle(path: string): void {
  const seen = new Set<string>();
  const visit = (file: string, by: readonly string[]): void => {
    for (const [, imported, required] of textOf(file).replaceAll(COMMENTS, '').matchAll(IMPORTS)) {
      const next = resolveImport((imported ?? required)!, file);
      if (next === path)
        throw new Error(`circular import: ${circle(by)}; move what is shared into a file that imports neither`);
      if (next === undefined || seen.has(next) || READERS[extname(next)] !== readModule) continue;
      seen.add(next);
      visit(next, [...by, relative(dirname(path), next)]);
    }
  };
  visit(path, []);
}

function circle(by: readonly string[]): string {
  if (by.length === 1) return `it and ${by[0]} import each other`;
  return by.length === 0 ? 'it imports itself' : `it imports itself by way of ${by.join(', ')}`;
}

/** What holds itself has no end. What plug-ins get is theirs. */
function refuseLoop(given: unknown): void {
  const visit = (value: unknown, above: readonly object[], path: readonly string[]): void => {
    if (typeof value !== 'object' || value === null || path[0] === 'plugins') return;
    const at = above.indexOf(value);
    if (at >= 0) {
      const holder = path.slice(0, at).join('.') || 'the whole configuration';
      throw new Error(
        `it is circular: ${path.join('.')} is ${holder} again; give ${path.join('.')} a value of its own`,
      );
    }
    for (const [key, inner] of Object.entries(value)) visit(inner, [...above, value], [...path, key]);
  };
  visit(given, [], []);
}
