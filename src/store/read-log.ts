/**
 * Reads the log of a run, which a daemon may be writing: the last lines, across rotated files, and the lines that
 * follow.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout } from 'node:timers/promises';

export const LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

export interface LogLine {
  /** The line as the file has it. */
  readonly text: string;
  /** A truncated line has none of these fields. */
  readonly level?: number;
  /** ISO 8601. */
  readonly time?: string;
  readonly version?: number;
  readonly msg?: string;
  /** The error with its stack. */
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

  /** @param least minimum level of a line. @throws ENOENT when there is no log. */
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

  /** Lines written since the last call. */
  read(): readonly LogLine[] {
    const lines = this.#new();
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now === undefined || now.ino === fstatSync(this.#file).ino) return this.#parsed(lines);
    closeSync(this.#file); // the file was rotated: read it to its end
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
    if (fstatSync(this.#file).size < this.#offset) this.#offset = 0; // with a single file, rotation empties it
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
