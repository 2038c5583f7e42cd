/**
 * The level of each question: it rises once enough groups at the last level were answered well enough. Kept in the
 * plug-in's folder, in two files with one writer each: the reward port counts, the question port decides from which
 * question on a level applies.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../shared/replace-file.ts';

export interface CurriculumOptions {
  /** Number of levels. */
  readonly levels: number;
  /** Share of right responses, over `window` groups, that ends a level. */
  readonly threshold: number;
  readonly window: number;
}

interface Success {
  readonly level: number;
  /** Newest groups of the level: sequence number and share of right responses. */
  readonly recent: readonly (readonly [number, number])[];
}

/** The port that rewards has this. */
export class SuccessRecord {
  readonly #file: JsonFile<Success>;
  readonly #options: CurriculumOptions;
  #now: Success;

  constructor(folder: string, options: CurriculumOptions) {
    this.#file = successFile(folder);
    this.#options = options;
    this.#now = this.#file.read() ?? { level: 0, recent: [] };
  }

  /** A group judged again counts once. Returns the next level when the group completes the present one. */
  add(level: number, sequence: number, right: number): number | undefined {
    const { levels, threshold, window } = this.#options;
    if (level !== this.#now.level || level >= levels - 1) return undefined;
    const recent = [...this.#now.recent.filter(([other]) => other !== sequence), [sequence, right] as const].slice(
      -window,
    );
    const mean = recent.reduce((sum, [, share]) => sum + share, 0) / recent.length;
    const passed = recent.length === window && mean >= threshold;
    this.#now = passed ? { level: level + 1, recent: [] } : { level, recent };
    this.#file.write(this.#now);
    return passed ? level + 1 : undefined;
  }
}

interface Asked {
  /** First sequence number not yet requested. */
  readonly next: number;
  /** First sequence number of each level after the first. */
  readonly starts: readonly number[];
}

/** Used by the question port. A requested number keeps its level. */
export class LevelOfQuestions {
  readonly #success: JsonFile<Success>;
  readonly #file: JsonFile<Asked>;
  #now: Asked;

  constructor(folder: string) {
    this.#success = successFile(folder);
    this.#file = new JsonFile(join(folder, 'levels.json'));
    this.#now = this.#file.read() ?? { next: 0, starts: [] };
  }

  /** The level of each of the numbers `from ..< from + count`. */
  ask(from: number, count: number): (sequence: number) => number {
    const end = from + count;
    const { next, starts } = this.#now;
    if (end > next) {
      const reached = this.#success.read()?.level ?? 0;
      const added = Array.from({ length: Math.max(0, reached - starts.length) }, () => Math.max(from, next));
      this.#now = { next: end, starts: [...starts, ...added] };
      this.#file.write(this.#now);
    }
    return (sequence) => this.#now.starts.filter((start) => start <= sequence).length;
  }
}

function successFile(folder: string): JsonFile<Success> {
  return new JsonFile(join(folder, 'success.json'));
}

/** Replaced as a whole, so that a kill leaves the old content or the new. */
class JsonFile<T> {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): T | undefined {
    return existsSync(this.#path) ? (JSON.parse(readFileSync(this.#path, 'utf8')) as T) : undefined;
  }

  write(value: T): void {
    replaceFile(this.#path, JSON.stringify(value));
  }
}
