/**
 * The log of a run, read while a daemon may write it: the last lines, over rotated files too, and what comes after
 * them.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout } from 'node:timers/promises';

export const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

export interface LogLine {
  /** As it is in the file. */
  readonly text: string;
  /** A line that is cut off has none of these. */
  readonly level?: number;
  /** ISO 8601. */
  readonly time?: string;
  readonly version?: number;
  readonly msg?: string;
  /** With its stack. */
  readonly error?: string;
}

const LOOK_MILLISECONDS = 250;
const CHUNK = 65_536;

export class LogTail implements Disposable {
  readonly #folder: string;
  readonly #least: number;
  #file: number;
  #offset = 0;
  #decoder = new StringDecoder();
  #rest = '';

  /** @param least level of a line that counts. @throws ENOENT where there is no log. */
  constructor(folder: string, least: number) {
    this.#folder = folder;
    this.#least = least;
    this.#file = openSync(this.#path, 'r');
  }

  /** The last `count` lines so far, oldest first. Call it first. */
  last(count: number): readonly LogLine[] {
    let lines = this.read();
    for (const file of olderFiles(this.#folder)) {
      if (lines.length >= count) break;
      lines = [...this.#parsed(readFileSync(file, 'utf8').split('\n')), ...lines];
    }
    return lines.slice(-count);
  }

  /** What was written since the last call. */
  read(): readonly LogLine[] {
    const lines = this.#new();
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now === undefined || now.ino === fstatSync(this.#file).ino) return this.#parsed(lines);
    closeSync(this.#file); // it was rotated, and is read to its end
    this.#file = openSync(this.#path, 'r');
    this.#offset = 0;
    this.#decoder = new StringDecoder();
    this.#rest = '';
    return this.#parsed([...lines, ...this.#new()]);
  }

  /** Lines as they come, until `signal` aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<LogLine> {
    while (!signal.aborted) {
      yield* this.read();
      await setTimeout(LOOK_MILLISECONDS, undefined, { signal }).catch(() => undefined);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  get #path(): string {
    return join(this.#folder, 'quorum.log');
  }

  #new(): string[] {
    if (fstatSync(this.#file).size < this.#offset) this.#offset = 0; // where one file is kept, it is emptied
    const buffer = Buffer.alloc(CHUNK);
    for (let bytes = -1; bytes !== 0; this.#offset += bytes) {
      bytes = readSync(this.#file, buffer, 0, CHUNK, this.#offset);
      this.#rest += this.#decoder.write(buffer.subarray(0, bytes));
    }
    const lines = this.#rest.split('\n');
    this.#rest = lines.pop()!;
    return lines;
  }

  #parsed(lines: readonly string[]): LogLine[] {
    return lines
      .filter((text) => text !== '')
      .map(parsed)
      .filter(({ level = LEVELS.error }) => level >= this.#least);
  }
}

/** Newest first. */
function olderFiles(folder: string): string[] {
  const ages = readdirSync(folder).map((name) => Number(/^quorum\.(\d+)\.log$/.exec(name)?.[1] ?? NaN));
  const known = ages.filter((age) => !Number.isNaN(age)).toSorted((a, b) => a - b);
  return known.map((age) => join(folder, `quorum.${age}.log`)).filter((file) => existsSync(file));
}

function parsed(text: string): LogLine {
  try {
    const { level, time, version, msg, error } = JSON.parse(text) as LogLine;
    return { text, ...(JSON.parse(JSON.stringify({ level, time, version, msg, error })) as Omit<LogLine, 'text'>) };
  } catch {
    return { text };
  }
}
