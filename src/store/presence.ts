/**
 * Checks that the run folder and its database are still the opened ones. Writes to a deleted, moved or replaced file do
 * not fail; only comparing the names with the open files shows it.
 */
import { statSync } from 'node:fs';
import type { RunPaths } from './run-folder.ts';

/**
 * Errors of an unreachable file system, such as a network disk that is away for a moment: they do not mean that a file
 * is gone.
 */
const UNKNOWN = 'unknown';

export interface Absence {
  /** What is no longer in its place; without the folder the database is gone, too. */
  readonly part: 'folder' | 'database';
  /** A sentence with the path. */
  readonly text: string;
}

export class Presence {
  readonly #parts: readonly {
    readonly part: Absence['part'];
    readonly name: string;
    readonly path: string;
    readonly file: string | undefined;
  }[];

  /** Call after both are open. */
  constructor({ path, database }: Pick<RunPaths, 'path' | 'database'>) {
    this.#parts = [
      { part: 'folder', name: 'the run folder', path, file: fileAt(path) },
      { part: 'database', name: 'the database', path: database, file: fileAt(database) },
    ];
  }

  /** Undefined while both are in place. */
  absence(): Absence | undefined {
    for (const { part, name, path, file } of this.#parts) {
      const now = fileAt(path);
      if (now !== file && now !== UNKNOWN)
        return {
          part,
          text: `${name} ${path} ${now === undefined ? 'was deleted or moved away' : 'was replaced by another'}`,
        };
    }
    return undefined;
  }
}

/** Returns the entry that has the name now; undefined if the name is free. */
function fileAt(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    return UNKNOWN;
  }
}
