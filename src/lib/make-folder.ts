/**
 * Makes a folder and the missing ones above it. Node's `recursive` never ends on a file system that answers ENOENT, as
 * /proc does.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * @returns the folders that this call made, the outermost first.
 * @throws the file system's error when a folder cannot be made, or something else has its name.
 */
export function makeFolder(folder: string, mode = 0o777): string[] {
  const missing = [resolve(folder)];
  for (let above = dirname(missing[0]!); !existsSync(above); above = dirname(above)) missing.unshift(above);
  return missing.filter((path) => {
    try {
      mkdirSync(path, { mode });
      return true;
    } catch (error) {
      if (
        (error as NodeJS.ErrnoException).code !== 'EEXIST' ||
        statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true
      )
        throw error;
      return false;
    }
  });
}
