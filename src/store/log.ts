/**
 * The run's log: pino's JSON lines in `quorum.log`, older ones in `quorum.1.log` ..., each bounded. A full disk loses
 * lines, never the daemon.
 */
import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { makeFolder } from '../lib/make-folder.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly maxMegabytes: number;
  /** Number of files kept, including the current one. */
  readonly maxFiles: number;
}

export type { Logger };

/** Writes each line at once, so a killed process loses none. */
export function openLog(folder: string, options: LogOptions): Logger {
  makeFolder(folder, 0o700);
  const file = new RotatingFile(folder, options.maxMegabytes * 2 ** 20, options.maxFiles);
  return pino({ level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, file);
}

class RotatingFile {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #maxFiles: number;
  #file: number | undefined;
  #bytes = 0;
  #lost = 0;

  constructor(folder: string, maxBytes: number, maxFiles: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#maxFiles = maxFiles;
  }

  write(line: string): void {
    try {
      const bytes = Buffer.byteLength(line);
      const file = this.#fileFor(bytes);
      if (this.#lost > 0)
        writeSync(
          file,
          `${JSON.stringify({ level: 40, msg: `${this.#lost} log lines were lost: the disk refused them` })}\n`,
        );
      writeSync(file, line);
      this.#bytes += bytes;
      this.#lost = 0;
    } catch {
      this.#lost++;
    }
  }

  #fileFor(bytes: number): number {
    let file = this.#file ?? this.#open();
    if (this.#bytes > 0 && this.#bytes + bytes > this.#maxBytes) {
      this.#file = undefined;
      closeSync(file);
      this.#shift();
      file = this.#open();
    }
    return file;
  }

  #open(): number {
    const file = openSync(this.#path(0), 'a', 0o600);
    this.#bytes = fstatSync(file).size;
    this.#file = file;
    return file;
  }

  /** quorum.log -> quorum.1.log -> ...; the oldest is overwritten. */
  #shift(): void {
    for (let age = this.#maxFiles - 1; age > 0; age--) {
      if (existsSync(this.#path(age - 1))) renameSync(this.#path(age - 1), this.#path(age));
    }
    if (this.#maxFiles === 1) closeSync(openSync(this.#path(0), 'w', 0o600));
  }

  #path(age: number): string {
    return join(this.#folder, age === 0 ? 'quorum.log' : `quorum.${age}.log`);
  }
}
