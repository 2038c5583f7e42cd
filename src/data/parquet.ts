/**
 * Parquet as the Hugging Face hub lays data sets out: a question a row, its pictures as structs of bytes and path. A file is read once, a row
 * group at a time; questions and labels stay, pictures are read again when they are needed.
 */
import { basename, extname } from 'node:path';
import { InputError } from '../protocol/errors.ts';
import type { ParquetPictureRef } from '../protocol/messages.ts';
import { storableKey } from '../protocol/storable.ts';
import { chooseColumns, missingColumn, type Columns } from './columns.ts';
import type { LabelledDataset } from './dataset.ts';
import { openParquetFile, readParquetRows, type ParquetFile } from './parquet-file.ts';
import { digestOf, picturesOf } from './parquet-picture.ts';
import { readRow, RowCollector, type Entry, type OpenOptions } from './rows.ts';
import { listShards } from './shards.ts';

/** @param path a file, a folder of shards, or a pattern such as `data/train-*.parquet`. @throws InputError naming file, row and column. */
export async function openParquet(path: string, options: OpenOptions = {}): Promise<LabelledDataset> {
  const rows = new RowCollector();
  for (const shard of await listShards(path)) {
    for await (const row of readParquet(shard, options)) await rows.add(row);
  }
  return rows.finish(path);
}

/** @throws InputError naming file, row and column. */
export async function* readParquet(path: string, options: OpenOptions = {}): AsyncGenerator<Entry> {
  const file = await openParquetFile(path);
  const columns = columnsOf(file, options);
  const name = storableKey(basename(path, extname(path)));
  const wanted = [...new Set(Object.values(columns).flatMap((column) => (column === undefined ? [] : [topLevel(file, column)])))];
  for (const group of file.groups) {
    const records = await readParquetRows(file, wanted, group);
    for (const [i, record] of records.entries()) {
      const number = group.start + i;
      const where = `${path}: row ${number}`;
      const row = readRow(record, columns, where);
      yield { row, name, pictures: refsOf(record, columns.pictures!, path, number), where };
    }
  }
}

function columnsOf(file: ParquetFile, { columns: chosen = {}, picturesAlone = false }: OpenOptions): Columns {
  const columns = chooseColumns(file.columns, chosen, file.path, (role, name) => role !== 'pictures' || file.pictureColumns.has(name));
  if (columns.pictures === undefined || !file.pictureColumns.has(columns.pictures)) {
    throw new InputError(`${file.path}: ${missingColumn('pictures', file.columns)}`);
  }
  if (columns.question === undefined && !picturesAlone) throw new InputError(`${file.path}: ${missingColumn('question', file.columns)}`);
  return columns;
}

/** The column to read for a field of a struct. */
function topLevel(file: ParquetFile, column: string): string {
  const isTop = file.metadata.row_groups[0]?.columns.some(({ meta_data: meta }) => meta?.path_in_schema[0] === column) ?? true;
  return isTop ? column : column.slice(0, column.indexOf('.'));
}

function refsOf(record: Readonly<Record<string, unknown>>, column: string, path: string, row: number): ParquetPictureRef[] {
  const found = picturesOf(record[column], `${path}: row ${row}: ${column}`);
  return found.map((bytes, index) => ({ type: 'parquet', path, column, row, index, digest: digestOf(bytes) }));
}
