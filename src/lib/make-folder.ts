/**
 * Makes a folder and the missing ones above it. Node's `recursive` never ends on a file system that answers ENOENT, as
 * /proc does.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** @throws the file system's error when a folder cannot be made, or something else has its name. */
export function makeFolder(folder: string, mode = 0o777): void {
  const missing = [resolve(folder)];
  for (let above = dirname(missing[0]!); !existsSync(above); above = dirname(above)) missing.unshift(above);
  for (const path of missing) {
    try {
      mkdirSync(path, { mode });
    } catch (error) {
      if (
        (error as NodeJS.ErrnoException).code !== 'EEXIST' ||
        statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true
      )
        throw error;
    }
  }
}
