/** One Parquet file on disk: its columns, and its rows a row group at a time. */
import { open, stat } from 'node:fs/promises';
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  type SchemaTree,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { InputError } from '../protocol/errors.ts';

/** Maximum of unpacked bytes in one row group's columns: a group is read whole. */
const MAX_GROUP_BYTES = 1_500_000_000;
/**
 * An empty page (of a column of nulls, as `path` often is) holds a codec's output for empty input, which the LZ4 reader
 * reports as damage.
 */
const codecs: Compressors = Object.fromEntries(
  Object.entries(compressors).map(([codec, unpack]) => [
    codec,
    (packed: Uint8Array, length: number) => (length === 0 ? new Uint8Array() : unpack(packed, length)),
  ]),
);

export interface RowGroup {
  /** First row, counted from 0 in the file. */
  readonly start: number;
  readonly rows: number;
}

export interface ParquetFile {
  readonly path: string;
  readonly groups: readonly RowGroup[];
  /** Every column, fields of structs included: `image`, `image.bytes`. */
  readonly columns: readonly string[];
  /** Columns that hold pictures: bytes, a struct with `bytes`, or a list of either. */
  readonly pictureColumns: ReadonlySet<string>;
  readonly metadata: FileMetaData;
  readonly buffer: AsyncBuffer;
}

/** @throws InputError when it is not a Parquet file, or truncated. */
export async function openParquetFile(path: string): Promise<ParquetFile> {
  await checkMagic(path);
  const buffer = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(buffer).catch((error: unknown) => {
    throw new InputError(
      `${path}: not a whole Parquet file, the index at its end cannot be read (${(error as Error).message}); was the copy cut short?`,
    );
  });
  const { children } = parquetSchema(metadata);
  let start = 0;
  const groups = metadata.row_groups.map(({ num_rows: rows }) => {
    const group = { start, rows: Number(rows) };
    start += group.rows;
    return group;
  });
  return {
    path,
    groups,
    columns: children.flatMap((child) => [
      child.element.name,
      ...fieldsOf(child).map(({ element }) => `${child.element.name}.${element.name}`),
    ]),
    pictureColumns: new Set(children.filter(holdsPictures).map(({ element }) => element.name)),
    metadata,
    buffer,
  };
}

async function checkMagic(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => (found.isFile() ? found.size : -1),
    (error: Error) => {
      throw new InputError(`${path}: cannot be read (${error.message})`);
    },
  );
  if (size < 0) throw new InputError(`${path}: not a file`);
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  const magic = buffer.toString('latin1');
  if (magic === 'PARE') throw new InputError(`${path}: encrypted Parquet files cannot be read`);
  if (magic !== 'PAR1' || size < 12)
    throw new InputError(`${path}: not a Parquet file: it starts with ${JSON.stringify(magic)}, not "PAR1"`);
}

function fieldsOf({ element, children }: SchemaTree): readonly SchemaTree[] {
  return element.converted_type === undefined && element.logical_type === undefined ? children : [];
}

function holdsPictures(column: SchemaTree): boolean {
  const isList = column.element.converted_type === 'LIST' || column.element.logical_type?.type === 'LIST';
  const item = isList ? (column.children[0]?.children[0] ?? column) : column;
  const bytes = item.children.length > 0 ? item.children.find(({ element }) => element.name === 'bytes') : item;
  return (
    bytes?.element.type === 'BYTE_ARRAY' &&
    bytes.element.converted_type === undefined &&
    bytes.element.logical_type === undefined
  );
}

/**
 * @param columns top-level ones. @throws InputError naming file, rows and columns when they are damaged or too large.
 */
export async function readParquetRows(
  file: ParquetFile,
  columns: readonly string[],
  { start, rows }: RowGroup,
): Promise<Record<string, unknown>[]> {
  const place = `${file.path}: rows ${start} to ${start + rows - 1}: ${columns.join(', ')}`;
  const group = file.metadata.row_groups[file.groups.findLastIndex((own) => own.start <= start)];
  const wanted = group?.columns.filter(({ meta_data: meta }) => columns.includes(meta?.path_in_schema[0] ?? '')) ?? [];
  const bytes = wanted.reduce((sum, { meta_data: meta }) => sum + Number(meta?.total_uncompressed_size ?? 0), 0);
  if (bytes > MAX_GROUP_BYTES) {
    throw new InputError(
      `${place}: ${Math.round(bytes / 1e6)} MB in one row group; write the file with smaller ones (row_group_size=100)`,
    );
  }
  const packed = wanted
    .map(({ meta_data: meta }) => meta?.codec)
    .find((codec) => codec !== undefined && codec !== 'UNCOMPRESSED' && !(codec in codecs));
  if (packed !== undefined)
    throw new InputError(
      `${place}: compressed with ${packed}, which cannot be read; write the file with compression='zstd'`,
    );
  try {
    const { buffer, metadata } = file;
    const found = await parquetReadObjects({
      file: buffer,
      metadata,
      columns: [...columns],
      rowStart: start,
      rowEnd: start + rows,
      compressors: codecs,
      utf8: false, // pictures are bytes; columns marked as text are decoded anyway
      useOffsetIndex: true,
    });
    if (found.length !== rows) throw new Error(`${found.length} of ${rows} rows`);
    return found;
  } catch (error) {
    throw new InputError(`${place}: cannot be read (${(error as Error).message}); is the file damaged?`);
  }
}

/** Whether a part of the group's rows can be read without the whole group. */
export function hasOffsetIndex(file: ParquetFile, column: string, row: number): boolean {
  const group = file.metadata.row_groups[file.groups.findLastIndex((own) => own.start <= row)];
  const chunks = group?.columns.filter(({ meta_data: meta }) => meta?.path_in_schema[0] === column) ?? [];
  return chunks.length > 0 && chunks.every((chunk) => chunk.offset_index_offset !== undefined);
}

/** The column to read for a field of a struct. */
export function topLevel(file: ParquetFile, column: string): string {
  const isTop =
    file.metadata.row_groups[0]?.columns.some(({ meta_data: meta }) => meta?.path_in_schema[0] === column) ?? true;
  return isTop ? column : column.slice(0, column.indexOf('.'));
}
