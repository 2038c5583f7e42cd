/** An append-only file of JSON lines that can be rewritten. A kill during a write loses that line only. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { replaceFile } from './replace-file.ts';

export class Lines<T> {
  readonly #path: string;
  #count = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Lines in the file, as far as they were read or written here. */
  get count(): number {
    return this.#count;
  }

  /** Call it before the first `append`: a torn last line goes. */
  read(): T[] {
    if (!existsSync(this.#path)) return [];
    const text = readFileSync(this.#path, 'utf8');
    const records = text.split('\n').flatMap(parsed) as T[];
    if (text.endsWith('\n') || text === '') this.#count = records.length;
    else this.replace(records);
    return records;
  }

  append(records: readonly T[]): void {
    appendFileSync(this.#path, textOf(records));
    this.#count += records.length;
  }

  replace(records: readonly T[]): void {
    replaceFile(this.#path, textOf(records));
    this.#count = records.length;
  }
}

function textOf(records: readonly unknown[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function parsed(line: string): unknown[] {
  try {
    return line === '' ? [] : [JSON.parse(line)];
  } catch {
    return [];
  }
}
