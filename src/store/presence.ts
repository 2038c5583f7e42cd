/**
 * Whether the run folder and its database are still those that were opened. A process may go on writing into a file
 * that was deleted, moved or replaced, and no call fails; only the names tell.
 */
import { statSync } from 'node:fs';
import type { RunPaths } from './run-folder.ts';

/**
 * The file system does not say, as a network disk that is away for a moment: no reason to believe that anything is
 * gone.
 */
const UNKNOWN = 'unknown';

export interface Absence {
  /** What is no longer in its place; with the folder the database is gone, too. */
  readonly part: 'folder' | 'database';
  /** In words, with the path. */
  readonly text: string;
}

export class Presence {
  readonly #parts: readonly {
    readonly part: Absence['part'];
    readonly name: string;
    readonly path: string;
    readonly file: string | undefined;
  }[];

  /** Call when both are open. */
  constructor({ path, database }: Pick<RunPaths, 'path' | 'database'>) {
    this.#parts = [
      { part: 'folder', name: 'the run folder', path, file: fileAt(path) },
      { part: 'database', name: 'the database', path: database, file: fileAt(database) },
    ];
  }

  /** Undefined while both are in their places. */
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

/** What the name stands for now; undefined where it stands for nothing. */
function fileAt(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    return UNKNOWN;
  }
}
