/** Replaces a file as a whole: a reader, or a process that is killed, finds the old content or the new. */
import { renameSync, writeFileSync } from 'node:fs';

export function replaceFile(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
