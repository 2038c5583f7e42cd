/** What a name in the file system stands for, in words: for messages about an entry that is not what it should be. */
import { lstatSync, readlinkSync, statSync, type Stats } from 'node:fs';

/**
 * `a file`, `a folder`, `a pipe` ...; undefined where nothing has the name. Links are followed. @throws what the file
 * system answers.
 */
export function entryKind(path: string): string | undefined {
  const entry = entryAt(path);
  if (entry?.isSymbolicLink() !== true) return entry && kindOf(entry);
  try {
    const target = statSync(path, { throwIfNoEntry: false });
    return target ? kindOf(target) : `a link to ${readlinkSync(path)}, which is not there`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') return 'a link that leads back to itself';
    throw error;
  }
}

/** Below a file there is nothing. */
function entryAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function kindOf(entry: Stats): string {
  if (entry.isFile()) return 'a file';
  if (entry.isDirectory()) return 'a folder';
  if (entry.isFIFO()) return 'a pipe';
  return entry.isSocket() ? 'a socket' : 'a device';
}
