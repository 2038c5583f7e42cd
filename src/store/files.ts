/** File writes that are there completely or not at all, also after a power cut. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '../protocol/errors.ts';

/** Writes beside the target, flushes, renames over it. @throws InputError when the disk is full; an older file is then untouched. */
export function writeFileWhole(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  try {
    const file = openSync(temporary, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    flushFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw diskError(path, error);
  }
}

/** Makes renames inside a folder durable. Windows has no such call and needs none. */
export function flushFolder(path: string): void {
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

export async function flushFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

const NO_PERMISSION = 'no permission: make it writable for this user, or choose another folder';
const DISK_ERRORS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only: make it writable, or choose another folder',
  EACCES: NO_PERMISSION,
  EPERM: NO_PERMISSION,
};

/** Errors that come from another thread keep only their message, so the code is looked for there too. */
export function diskError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof InputError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = Object.keys(DISK_ERRORS).find((name) => code === name || error.message.startsWith(`${name}:`));
  if (known === undefined) return error;
  return new InputError(`cannot write ${path}: ${DISK_ERRORS[known]}; nothing saved before was harmed`, { cause: error });
}
