/** Names the kind of an entry in the file system, for messages about an entry of the wrong kind. */
import { lstatSync, readlinkSync, statSync, type Stats } from 'node:fs';

/**
 * `a file`, `a folder`, `a pipe` ...; undefined when no entry has the name. Links are followed. @throws the file
 * system's error.
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

/** A file has no entries below it. */
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
