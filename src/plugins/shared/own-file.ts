/** A plug-in writes to an existing file only when it made that file itself. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from 'quorum';

/** Bytes that suffice to identify a file. */
const START_BYTES = 4096;

/**
 * @param isOurs decides by the start of the file. @throws InputError when it is another file, such as a data set or a
 * model.
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
