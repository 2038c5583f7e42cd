/** A plug-in writes to an existing file only when it made that file itself. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from 'quorum';

/** Enough to tell whose a file is. */
const START_BYTES = 4096;

/**
 * @param isOurs of how the file starts.
 * @throws InputError when something else is there: a data set, say, or a model.
 */
export function claimFile(path: string, isOurs: (start: string) => boolean): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || (found.isFile() && (found.size === 0 || isOurs(startOf(path))))) return;
  throw new InputError(
    `options.file: ${path} is there, and this plug-in did not make it: name another file, or move that one away`,
  );
}

function startOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(START_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, START_BYTES, 0));
  } finally {
    closeSync(file);
  }
}
