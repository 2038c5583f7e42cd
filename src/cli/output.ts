/**
 * Checks `--out` and similar options. Without `--force`, no command overwrites a file that it did not make in this
 * call.
 */
import { readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Command, Option } from 'commander';
import { listFiles } from '../data/files.ts';
import { InputError } from '../protocol/errors.ts';

export interface OutputOptions {
  readonly force?: boolean;
}

export interface Output extends OutputOptions {
  /** The option's name, such as `--out`. */
  readonly option: string;
  readonly path: string;
  /**
   * Files, folders and patterns that the command reads; even with `--force` it overwrites no file among or inside them.
   */
  readonly inputs?: readonly string[];
  /** Whether the path holds an earlier output that this command may continue or replace. */
  readonly isOurs?: (path: string) => boolean;
}

/** Adds the option that names an output, and `--force`. */
export function withOutput(command: Command, output: Option): Command {
  return command.addOption(output).option('-f, --force', `write over what is at ${output.long}; never over an input`);
}

/** @returns the absolute path. @throws InputError if writing there would lose something. */
export async function claimOutput({
  option,
  path,
  force = false,
  inputs = [],
  isOurs = () => false,
}: Output): Promise<string> {
  const target = resolve(path);
  const found = statSync(target, { throwIfNoEntry: false });
  if (found === undefined || isEmpty(target, found) || isOurs(target)) return target;
  for (const input of inputs) {
    for (const file of [input, ...(await listFiles(input).catch(() => []))]) {
      if (isWithin(target, found, file))
        throw new InputError(`${option} ${target} is, or lies in, the input ${file}: name another file or folder`);
    }
  }
  if (force) return target;
  const what = found.isDirectory() ? 'is a folder that is not empty' : 'exists already';
  throw new InputError(`${option} ${target} ${what}: name another one, or write over it with --force`);
}

/** Whether writing loses nothing: the path is an empty file or folder, a pipe or a device. */
function isEmpty(path: string, found: Stats): boolean {
  if (found.isDirectory()) return readdirSync(path).length === 0;
  return !found.isFile() || found.size === 0;
}

/** Compares real paths, and inodes for two names of one file. */
function isWithin(path: string, found: Stats, input: string): boolean {
  const other = statSync(input, { throwIfNoEntry: false });
  if (other === undefined) return false;
  if (other.ino === found.ino && other.dev === found.dev) return true;
  const way = relative(realpathSync(input), realpathSync(path));
  return other.isDirectory() && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
