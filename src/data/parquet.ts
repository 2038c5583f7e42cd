/**
 * Parquet as the Hugging Face hub lays data sets out: a question a row, its pictures as structs of bytes and path. A
 * file is read once, a row group at a time; questions and labels stay, pictures are read again when they are needed.
 */
import { chooseColumns } from './columns.ts';
import { entryOf, type EntrySource } from './entries.ts';
import { decoded } from './embedded.ts';
import type { DataRecord, RawRow } from './formats/raw-row.ts';
import { openParquetFile, readParquetRows, topLevel, type ParquetFile } from './parquet-file.ts';
import { digestOf } from './digest.ts';
import { planRow, type Plan } from './plan.ts';
import type { Entry, OpenOptions } from './rows.ts';
import { isInSplit, SPLIT_COLUMN } from './splits.ts';

/** Columns whose values, not only their names, show the layout. */
const CHATS = ['conversations', 'messages', 'prompt'];

/** @throws InputError naming file, row and column. */
export async function* readParquet(source: EntrySource, options: OpenOptions): AsyncGenerator<Entry> {
  const file = await openParquetFile(source.path);
  const plan = await planOf(file, options);
  const { columns, pictures, choices } = plan;
  const split = options.split !== undefined && file.columns.includes(SPLIT_COLUMN) ? [SPLIT_COLUMN] : [];
  const named = [...Object.values(columns), ...pictures, ...choices, ...split].filter((column) => column !== undefined);
  const wanted = [...new Set(named.map((column) => topLevel(file, column)))];
  for (const group of file.groups) {
    const records = await readParquetRows(file, wanted, group);
    for (const [i, record] of records.entries()) {
      if (isInSplit(record, options.split, `${source.path}: row ${group.start + i}`))
        yield entryOf(rawRow(source.path, group.start + i, record), plan, source, options);
    }
  }
}

function rawRow(path: string, row: number, record: DataRecord): RawRow {
  return {
    record,
    where: `${path}: row ${row}`,
    embed: (column, index, picture) => ({
      type: 'parquet',
      path,
      column,
      row,
      index,
      digest: digestOf(decoded(picture)),
    }),
  };
}

/** A column of bytes takes precedence over one of paths. */
async function planOf(file: ParquetFile, options: OpenOptions): Promise<Plan> {
  const chats = [...new Set([...CHATS, options.columns?.question ?? ''])].filter((column) =>
    file.columns.includes(column),
  );
  const [first] =
    file.groups.length > 0 && chats.length > 0 ? await readParquetRows(file, chats, { start: 0, rows: 1 }) : [];
  const record = { ...Object.fromEntries(file.columns.map((column) => [column, null])), ...first };
  const request = { record, found: file.columns, where: file.path };
  const suits = (role: string, name: string): boolean => role !== 'pictures' || file.pictureColumns.has(name);
  const inside = chooseColumns(file.columns, options.columns ?? {}, file.path, suits).pictures !== undefined;
  return planRow({ ...request, ...(inside && { suits }) }, options);
}
