/** Finds the files of one data set: a file, the files in a folder, or those that match a pattern. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, sep } from 'node:path';
import { InputError } from '../protocol/errors.ts';
import { DATA_ENDINGS } from './formats/detect.ts';
import { isUsual, splitName, splitOf, suggested } from './splits.ts';

/**
 * Sorted by name. A folder's files lie in it or, as on the hub, in its `data` folder or in folders named after splits;
 * in a folder of pictures it is `metadata.csv` or `metadata.jsonl`. They must be of one split.
 * @param path may have `*`, `**` and `?`. @param split to choose. @throws InputError when there are none, or more than
 * one split.
 */
export async function listFiles(path: string, split?: string): Promise<readonly string[]> {
  const root = await rootOf(path);
  if (isPattern(path)) return ofOneSplit(path, await matching(path), root, split);
  if (root !== path) return ofOneSplit(path, [path], root, split);
  const files = await dataFilesIn(path);
  if (files.length === 0) throw new InputError(`${path}: ${await nothingIn(path)}`);
  return ofOneSplit(path, files, root, split);
}

/**
 * The folder below which names state splits: the given folder, the folder of the given file, or the one above the first
 * wildcard of a pattern.
 */
export async function rootOf(path: string): Promise<string> {
  if (isPattern(path)) return patternRoot(path);
  return (await isFolder(path)) ? path : dirname(path);
}

/** Files of one format here, if any; otherwise in the folders of the hub's layouts. */
export async function dataFilesIn(folder: string): Promise<readonly string[]> {
  const own = await filesIn(folder);
  const metadata = own.filter((name) => /^metadata\.(?:csv|jsonl|parquet)$/.test(name));
  const format = DATA_ENDINGS.map((endings) =>
    own.filter((name) => endings.includes(extname(name).toLowerCase()) && !INFO.has(name)),
  ).find(({ length }) => length > 0);
  const names = metadata.length > 0 ? metadata : (format ?? []);
  if (names.length > 0) return names.map((name) => join(folder, name));
  const inner: string[] = [];
  for (const name of await foldersIn(folder)) {
    if (name === 'data' || splitOf(join(folder, name, 'x'), folder) !== undefined)
      inner.push(...(await dataFilesIn(join(folder, name))));
  }
  return inner;
}

/** Names of files that accompany data and hold no rows. */
const INFO = new Set([
  'dataset_info.json',
  'dataset_infos.json',
  'dataset_dict.json',
  'state.json',
  'config.json',
  'package.json',
]);

function ofOneSplit(
  path: string,
  files: readonly string[],
  root: string,
  split: string | undefined,
): readonly string[] {
  const splits = [...new Set(files.map((file) => splitOf(file, root)))];
  const named = splits.filter((name) => name !== undefined);
  if (named.length === 0) return files;
  if (split !== undefined) {
    const chosen = files.filter((file) => splitOf(file, root) === splitName(split));
    if (chosen.length > 0) return chosen;
    throw new InputError(`${path}: has no split ${split}; it has ${named.toSorted().join(', ')}`);
  }
  // A pattern may match files of several sets, which are named after them.
  if (splits.length === 1 || (isPattern(path) && !named.some(isUsual))) return files;
  const one = suggested(named) ?? 'NAME';
  const others = splits.length > named.length ? ' and files of none' : '';
  const choose = `name one${one === 'NAME' ? '' : ', for example'}: --split ${one} (--set data.split=${one}, or data.heldOutSplit)`;
  throw new InputError(`${path}: holds the splits ${named.toSorted().join(', ')}${others}; ${choose}`);
}

export function isPattern(path: string): boolean {
  return /[*?]/.test(path);
}

function patternRoot(pattern: string): string {
  const parts = pattern.split(sep);
  return parts.slice(0, parts.findIndex(isPattern)).join(sep) || (pattern.startsWith(sep) ? sep : '.');
}

async function matching(pattern: string): Promise<readonly string[]> {
  const root = patternRoot(pattern);
  const parts = pattern.split(sep).slice(pattern.split(sep).findIndex(isPattern));
  const files = await walk(root, parts);
  if (files.length === 0) throw new InputError(`${pattern}: no file has such a name`);
  return files;
}

async function walk(folder: string, [part, ...rest]: readonly string[]): Promise<readonly string[]> {
  if (part === undefined) return [];
  const found: string[] = [];
  if (rest.length === 0 && part !== '**') {
    return (await filesIn(folder)).filter(matches(part)).map((name) => join(folder, name));
  }
  if (part === '**') found.push(...(await walk(folder, rest.length === 0 ? ['*'] : rest)));
  for (const name of (await foldersIn(folder)).filter(part === '**' ? () => true : matches(part))) {
    found.push(...(await walk(join(folder, name), part === '**' ? [part, ...rest] : rest)));
  }
  return found;
}

function matches(part: string): (name: string) => boolean {
  const pattern = part
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return (name) => new RegExp(`^${pattern}$`, 's').test(name);
}

async function filesIn(folder: string): Promise<string[]> {
  return namesIn(folder, false);
}

async function foldersIn(folder: string): Promise<string[]> {
  return namesIn(folder, true);
}

async function namesIn(folder: string, folders: boolean): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() === folders)
    .map(({ name }) => name)
    .toSorted();
}

async function nothingIn(folder: string): Promise<string> {
  const inner = await foldersIn(folder);
  const where =
    inner.length === 0
      ? ''
      : `; it has the folders ${inner.slice(0, 8).join(', ')}: name one, or a pattern such as '${join(basename(folder), '*', '*.parquet')}'`;
  return `holds no file of data (.parquet, .jsonl, .json, .csv, .tsv, or metadata.csv next to pictures)${where}`;
}

export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Prefixes of ids; for files of the same name in several folders, with the folder's name. */
export function namesOf(files: readonly string[]): readonly string[] {
  const names = files.map((file) => basename(file, extname(file)));
  const folders = new Map<string, Set<string>>();
  files.forEach((file, i) => folders.set(names[i]!, (folders.get(names[i]!) ?? new Set()).add(dirname(file))));
  return files.map((file, i) =>
    folders.get(names[i]!)!.size > 1 ? `${basename(dirname(file))}-${names[i]}` : names[i]!,
  );
}
