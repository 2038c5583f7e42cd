/** Files of one data set: a file, the shards in a folder, or those that a pattern names. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../protocol/errors.ts';

/**
 * In order of their names. A folder's files are those in it or, as on the hub, in its `data` folder; they must be of one split.
 * @param path may have `*` and `?` in its last part. @throws InputError where there are none, or more than one split.
 */
export async function listShards(path: string): Promise<readonly string[]> {
  if (/[*?]/.test(basename(path))) return matching(path);
  if (!(await isFolder(path))) return [path];
  const own = await parquetIn(path);
  const shards = own.length > 0 ? own : await parquetIn(join(path, 'data'));
  if (shards.length === 0) throw new InputError(`${path}: holds no .parquet file, nor does its folder \`data\``);
  const splits = [...new Set(shards.map(splitOf))];
  if (splits.length > 1) {
    const example = join(dirname(shards[0]!), `${splits[0]}-*.parquet`);
    throw new InputError(`${path}: holds the splits ${splits.join(', ')}; name one, for example '${example}'`);
  }
  return shards;
}

/** Whether a path names Parquet files: by its ending, or because it is a folder with some. */
export async function isParquet(path: string): Promise<boolean> {
  if (path.endsWith('.parquet')) return true;
  return (await isFolder(path)) && [...(await parquetIn(path)), ...(await parquetIn(join(path, 'data')))].length > 0;
}

async function matching(path: string): Promise<readonly string[]> {
  const pattern = basename(path)
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const files = (await filesIn(dirname(path))).filter((name) => new RegExp(`^${pattern}$`).test(name));
  if (files.length === 0) throw new InputError(`${path}: no file has such a name`);
  return files.map((name) => join(dirname(path), name));
}

async function parquetIn(folder: string): Promise<string[]> {
  return (await filesIn(folder)).filter((name) => name.endsWith('.parquet')).map((name) => join(folder, name));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** `train-00000-of-00002.parquet` -> `train`; any other file is a split of its own. */
function splitOf(path: string): string {
  return basename(path, '.parquet').replace(/-\d{5}-of-\d{5}.*$/, '');
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
