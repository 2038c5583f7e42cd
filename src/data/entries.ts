/** Raw rows -> rows by role, with references to their pictures. */
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef } from '../protocol/messages.ts';
import { isRecord, valueAt } from './columns.ts';
import type { DataRecord, RawRow } from './formats/raw-row.ts';
import { isMessages } from './layouts/messages.ts';
import { findPicture, pictureValues } from './picture-values.ts';
import { PLAIN, planRow, type Plan } from './plan.ts';
import { isShort, readRow, type Entry, type OpenOptions } from './rows.ts';
import { quotedName } from './quoted.ts';
import { isInSplit } from './splits.ts';

export interface EntrySource {
  /** Of the file. */
  readonly path: string;
  /** Prefix of ids. */
  readonly name: string;
  /**
   * For the whole data set: one reference by path for all rows with the picture, so that its file is read once; also by
   * the `index` of a row that embeds it.
   */
  readonly refs: Map<string, PictureRef>;
}

/** The first row decides the layout. @throws InputError naming file, line and column. */
export async function* readEntries(
  rows: AsyncIterable<RawRow>,
  source: EntrySource,
  options: OpenOptions,
): AsyncGenerator<Entry> {
  let layout: { readonly name: string; readonly where: string } | undefined;
  let before: { readonly columns: string; readonly plan: Plan } | undefined;
  for await (const raw of rows) {
    const { record, where } = raw;
    if (!isInSplit(record, options.split, where)) continue;
    const found = columnsIn(record);
    const columns = found.join('\n');
    const isPlain = before?.plan.layout === PLAIN && before.plan.columns.question !== undefined; // names alone decide
    const plan = isPlain && before?.columns === columns ? before.plan : planRow({ record, found, where }, options);
    before = { columns, plan };
    layout ??= { name: plan.layout, where };
    if (plan.layout !== layout.name) {
      throw new InputError(
        `${where}: has ${plan.layout}, but ${layout.where} has ${layout.name}: rows of one file must have one layout`,
      );
    }
    yield await entryOf(raw, plan, source, options);
  }
}

function columnsIn(record: DataRecord): string[] {
  return Object.entries(record).flatMap(([name, value]) => [
    name,
    ...(isRecord(value) ? Object.keys(value).map((key) => `${name}.${key}`) : []),
  ]);
}

/** @throws InputError naming file, line and column. */
export async function entryOf(raw: RawRow, plan: Plan, source: EntrySource, options: OpenOptions): Promise<Entry> {
  const row = readRow(raw.record, plan, raw.where);
  const pictures = await picturesOf(raw, plan, source, options);
  return { row, name: source.name, pictures, where: raw.where };
}

/** Pictures in messages count if no column holds pictures. */
async function picturesOf(
  raw: RawRow,
  { pictures, columns: { question } }: Plan,
  source: EntrySource,
  options: OpenOptions,
): Promise<PictureRef[]> {
  const found: PictureRef[] = [];
  for (const column of pictures) found.push(...(await picturesIn(raw, column, source, options)));
  const isChat = question !== undefined && isMessages(raw.record[question]);
  return found.length === 0 && isChat ? picturesIn(raw, question, source, options) : found;
}

async function picturesIn(
  { record, where, embed }: RawRow,
  column: string,
  source: EntrySource,
  options: OpenOptions,
): Promise<PictureRef[]> {
  const refs: PictureRef[] = [];
  const cell = valueAt(record, column);
  for (const [i, value] of pictureValues(cell).entries()) {
    try {
      const found = findPicture(value);
      refs.push('path' in found ? await fileRef(found.path, source, options) : await embed(column, i, found));
      if (!('path' in found) && isShort(record['index']))
        source.refs.set(indexKey(source, String(record['index'])), refs[i]!);
    } catch (error) {
      throw error instanceof InputError
        ? new InputError(`${where}: ${column}${Array.isArray(cell) ? `.${i}` : ''}: ${error.message}`)
        : error;
    }
  }
  return refs;
}

/** No path starts like this. */
function indexKey({ path }: Pick<EntrySource, 'path'>, index: string): string {
  return `index ${index} of ${path}`;
}

async function fileRef(
  written: string,
  { path: file, refs }: EntrySource,
  { pictureFolder }: OpenOptions,
): Promise<PictureRef> {
  const path = resolve(pictureFolder ?? dirname(file), written);
  const known = refs.get(path) ?? refs.get(indexKey({ path: file }, written));
  if (known !== undefined) return known;
  await access(path).catch(() => {
    throw new InputError(
      `${quotedName(path)} does not exist; paths are relative to the folder of the data's file, or to another one named by --set data.pictureFolder=FOLDER`,
    );
  });
  const ref: PictureRef = { type: 'file', path };
  refs.set(path, ref);
  return ref;
}
