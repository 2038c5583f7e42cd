/** Splits of a data set, inferred from the names of files and folders as on the Hugging Face hub. */
import { InputError } from '../protocol/errors.ts';
import { basename, dirname, extname, relative, sep } from 'node:path';

const NAMES: Readonly<Record<string, string>> = {
  train: 'train',
  training: 'train',
  validation: 'validation',
  valid: 'validation',
  val: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
  testmini: 'testmini',
  eval: 'test',
  evaluation: 'test',
};

/** `val` and `dev` are names of `validation`, `training` of `train`. */
export function splitName(text: string): string {
  return NAMES[text.toLowerCase()] ?? text;
}

/**
 * `train-00000-of-00002.parquet`, `geometry_val.jsonl`, `test/metadata.csv`; undefined when no name states it. An
 * unusual shard name is its own split. A folder's name counts only if all of it is a split's name: a file may lie in
 * `my-test-runs`.
 * @param root folder above which names do not count.
 */
export function splitOf(path: string, root: string): string | undefined {
  const name = basename(path, extname(path));
  const folders = relative(root, dirname(path)).split(sep).toReversed();
  const word = [...name.split(/[^A-Za-z]+/), ...folders].find((each) => NAMES[each.toLowerCase()] !== undefined);
  if (word !== undefined) return splitName(word);
  return /^(.+)-\d{5}-of-\d{5}/.exec(name)?.[1];
}

/** A column that names the split of a row, for files without a split. */
export const SPLIT_COLUMN = 'split';

/** @param split undefined: any. @throws InputError when the row does not name its split. */
export function isInSplit(
  record: Readonly<Record<string, unknown>>,
  split: string | undefined,
  where: string,
): boolean {
  if (split === undefined) return true;
  const own = record[SPLIT_COLUMN];
  if (typeof own === 'string') return splitName(own) === splitName(split);
  throw new InputError(
    `${where}: the split ${split} is asked for, but neither the name of the file nor a column \`${SPLIT_COLUMN}\` tells the split`,
  );
}

export function isUsual(split: string): boolean {
  return Object.values(NAMES).includes(split);
}

/** The split to learn from among several; never a test split. */
export function suggested(splits: readonly string[]): string | undefined {
  return (
    ['train', 'validation'].find((split) => splits.includes(split)) ??
    splits.find((split) => !/^test|^eval/i.test(split))
  );
}
