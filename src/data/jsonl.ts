/**
 * JSONL with image files, as the Hugging Face hub lays data sets out: one object a line with `problem`, `images` (paths relative to the
 * file), optionally `answer`, `choices`, `id`, `kind`; other columns are ignored. The file is streamed, a line at a time, each of bounded length.
 */
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef } from '../protocol/messages.ts';
import { storableKey, storableText } from '../protocol/storable.ts';
import { chooseColumns, isRecord, missingColumn, valueAt, type Columns } from './columns.ts';
import type { LabelledDataset } from './dataset.ts';
import { readRow, RowCollector, type Entry, type OpenOptions } from './rows.ts';

/** Longest line accepted, in characters: pictures belong in files, not in the text. */
const MAX_LINE = 1_000_000;

/** @throws InputError naming file, line and field. */
export async function* readJsonl(file: string, options: OpenOptions = {}): AsyncGenerator<Entry> {
  const name = storableKey(basename(file, extname(file)));
  const refs = new Map<string, PictureRef>();
  let line = 0;
  for await (const text of lines(file)) {
    line++;
    if (text.trim() === '') continue;
    const where = `${file}:${line}`;
    const record = parseLine(text, where);
    const columns = columnsOf(record, where, options);
    const row = readRow(record, columns, where);
    const pictures = picturesOf(record, columns.pictures!, file, where).map((path) => oncePerPath(refs, path));
    yield { row, name, pictures, where };
  }
}

function parseLine(text: string, where: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${where}: not JSON (${(error as Error).message}); each line must be one JSON object`);
  }
  if (isRecord(value)) return value;
  throw new InputError(`${where}: the line: expected {"problem": string, "images": [path, ...], "answer"?: string}`);
}

function columnsOf(record: Readonly<Record<string, unknown>>, where: string, { columns: chosen = {}, picturesAlone = false }: OpenOptions): Columns {
  const found = Object.entries(record).flatMap(([name, value]) => [
    name,
    ...(isRecord(value) ? Object.keys(value).map((key) => `${name}.${key}`) : []),
  ]);
  const columns = chooseColumns(found, chosen, where);
  if (columns.question === undefined && !picturesAlone) throw new InputError(`${where}: problem: ${missingColumn('question', found)}`);
  if (columns.pictures === undefined) throw new InputError(`${where}: images: ${missingColumn('pictures', found)}`);
  return columns;
}

/** One reference for all rows with the picture, so that its file is read once. */
function oncePerPath(refs: Map<string, PictureRef>, path: string): PictureRef {
  const ref = refs.get(path) ?? { type: 'file', path };
  refs.set(path, ref);
  return ref;
}

/** A path, or a list of paths. */
function picturesOf(record: Readonly<Record<string, unknown>>, column: string, file: string, where: string): string[] {
  const value = valueAt(record, column);
  const paths: readonly unknown[] = column === 'images' || Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (!Array.isArray(paths)) throw new InputError(`${where}: ${column}: expected a list of paths, found ${JSON.stringify(value)}`);
  return paths.map((path: unknown, i): string => {
    if (typeof path === 'string' && path !== '') return resolve(dirname(file), storableText(path));
    throw new InputError(`${where}: ${column}.${i}: expected the path of a picture, found ${JSON.stringify(path)}`);
  });
}

/** Lines of a UTF-8 file without their line break, in bounded memory. */
async function* lines(file: string): AsyncGenerator<string> {
  let rest = '';
  let line = 1;
  const stream = createReadStream(file, { encoding: 'utf8' });
  try {
    for await (const chunk of stream) {
      rest += chunk as string;
      const parts = rest.split('\n');
      rest = parts.pop() ?? '';
      line += parts.length;
      if (rest.length > MAX_LINE)
        throw new InputError(`${file}:${line}: line is longer than ${MAX_LINE} characters; put pictures in files and name them in "images"`);
      yield* parts;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${file}: cannot be read (${(error as Error).message})`);
  }
  if (rest !== '') yield rest;
}

/** Reads the whole file and checks that every picture's file is there (not that it decodes). @throws InputError as `readJsonl`. */
export async function openJsonl(file: string, options: OpenOptions = {}): Promise<LabelledDataset> {
  const rows = new RowCollector();
  for await (const row of readJsonl(file, options)) {
    await checkPictures(row);
    await rows.add(row);
  }
  return rows.finish(file);
}

async function checkPictures({ pictures, where }: Entry): Promise<void> {
  for (const ref of pictures) {
    if (ref.type !== 'file') continue;
    await access(ref.path).catch(() => {
      throw new InputError(`${where}: images: ${ref.path} does not exist; paths are relative to the JSONL file`);
    });
  }
}
