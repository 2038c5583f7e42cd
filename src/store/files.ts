/** Writes to the disk, with a message for the user when the disk refuses. */
import { open } from 'node:fs/promises';
import { writeWholeNow } from '../lib/whole-file.ts';
import { InputError } from '../protocol/errors.ts';

/** @throws InputError when the disk is full; an older file is then untouched. */
export function writeFileWhole(path: string, text: string): void {
  try {
    writeWholeNow(path, text);
  } catch (error) {
    throw diskError(path, error);
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
  return new InputError(`cannot write ${path}: ${DISK_ERRORS[known]}; nothing saved before was harmed`, {
    cause: error,
  });
}
