/**
 * Writes data sets in the layout of the Hugging Face hub (`problem`, `images`, further columns): Parquet with the
 * pictures inside, or JSONL next to a folder of pictures. Both are read back by `openPath`, and by the Python packages
 * `datasets` and `pyarrow`.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { SchemaElement } from 'hyparquet';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';
import { makeFolder } from '../lib/make-folder.ts';
import { InputError } from '../protocol/errors.ts';
import type { PictureRef, Question } from '../protocol/messages.ts';
import { base64Picture } from './embedded.ts';
import { digestOf } from './digest.ts';
import { parquetPicture } from './parquet-picture.ts';
import { encodePng, pictureFormat } from './image.ts';
import { loadPicture, pictureName } from './picture.ts';

export type ColumnType = 'text' | 'integer' | 'number';
export type ColumnTypes = Readonly<Record<string, ColumnType>>;

export interface WriteRow {
  readonly problem: string;
  readonly pictures: readonly PictureRef[];
  /** Values of the columns named with it; null without a value. */
  readonly values: Readonly<Record<string, string | number | null>>;
}

export interface Written {
  readonly questions: number;
  /** Distinct pictures. */
  readonly pictures: number;
}

/** Columns about the origin of a model's question. */
export const PROVENANCE = {
  id: 'text',
  origin: 'text',
  /** Id and text of the seed question; null without one. */
  parent: 'text',
  parent_problem: 'text',
  /** Folder or name of the model, its version, and its sampling seed. */
  model: 'text',
  version: 'integer',
  seed: 'integer',
  /** The majority's answer and its share of the votes; not a label. */
  majority: 'text',
  share: 'number',
} as const satisfies ColumnTypes;

export interface Provenance {
  /** The seed question. */
  readonly parent: Question | null;
  readonly model: string;
  readonly version: number;
  readonly seed: number;
  readonly majority: string | null;
  readonly share: number | null;
}

export function provenanceRow(
  { id, text, pictures, origin, parentId }: Question,
  { parent, ...provenance }: Provenance,
): WriteRow {
  const values = { id, origin, parent: parentId ?? null, parent_problem: parent?.text ?? null, ...provenance };
  return { problem: text, pictures, values };
}

type Rows = Iterable<WriteRow> | AsyncIterable<WriteRow>;

/**
 * Writes rows as they arrive; a Parquet file gets its name when it is whole. @param file ends in `.parquet` or
 * `.jsonl`; pictures of the latter go to `images/` in its folder. @param force overwrites a picture there that has one
 * of our names and other bytes. @throws InputError for another ending, and for such a picture without `force`.
 */
export async function writeDataset(file: string, rows: Rows, columns: ColumnTypes, force = false): Promise<Written> {
  checkEnding(file);
  makeFolder(dirname(file));
  return extname(file) === '.parquet' ? writeParquet(file, rows, columns) : writeJsonl(file, rows, columns, force);
}

/** Checks the target before long work. @throws InputError when `writeDataset` would. */
export function checkEnding(file: string): void {
  if (!['.parquet', '.jsonl'].includes(extname(file))) throw new InputError(`${file}: must end in .parquet or .jsonl`);
}

async function writeJsonl(file: string, rows: Rows, columns: ColumnTypes, force: boolean): Promise<Written> {
  const folder = join(dirname(file), 'images');
  makeFolder(folder);
  const written = new Set<string>();
  let questions = 0;
  await using lines = await open(file, 'w');
  for await (const { problem, pictures, values } of rows) {
    const images: string[] = [];
    for (const ref of pictures) {
      const { name, bytes } = await encoded(ref);
      if (!written.has(name)) await writePicture(join(folder, name), bytes, force);
      written.add(name);
      images.push(`images/${name}`);
    }
    const extra = Object.fromEntries(Object.keys(columns).map((column) => [column, values[column] ?? null]));
    await lines.write(`${JSON.stringify({ ...extra, problem, images })}\n`);
    questions++;
  }
  return { questions, pictures: written.size };
}

/** An existing picture with the same bytes stays. */
async function writePicture(path: string, bytes: Uint8Array, force: boolean): Promise<void> {
  try {
    await writeFile(path, bytes, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!(await readFile(path)).equals(bytes))
      throw new InputError(
        `${path} exists with another picture: name a file in another folder, or write over it with --force`,
      );
  }
}

/** Rows of a group; readers that have no use for the page index unpack a group at a time. */
const GROUP_ROWS = 100;

async function writeParquet(file: string, rows: Rows, columns: ColumnTypes): Promise<Written> {
  const unfinished = `${file}.${process.pid}.unfinished`;
  const written = new Set<string>();
  let questions = 0;
  async function* records(): AsyncGenerator<Record<string, unknown>> {
    for await (const { problem, pictures, values } of rows) {
      const images = await Promise.all(pictures.map(encoded));
      for (const { name } of images) written.add(name);
      questions++;
      const extra = Object.entries(columns).map(([column, type]) => [column, cell(values[column] ?? null, type)]);
      yield { problem, images: images.map(({ name, bytes }) => ({ bytes, path: name })), ...Object.fromEntries(extra) };
    }
  }
  try {
    await parquetWriteRows({
      writer: fileWriter(unfinished),
      rows: records(),
      columns: ['problem', 'images', ...Object.keys(columns)].map((name) => ({
        name,
        ...(name === 'images' && PICTURES),
      })),
      schema: schemaOf(columns),
      rowGroupSize: GROUP_ROWS,
      kvMetadata: [{ key: 'huggingface', value: JSON.stringify({ info: { features: featuresOf(columns) } }) }],
    });
    await rename(unfinished, file);
  } finally {
    await rm(unfinished, { force: true });
  }
  return { questions, pictures: written.size };
}

/** Pictures are compressed already, and statistics of their bytes help no search. */
const PICTURES = { codec: 'UNCOMPRESSED', statistics: false } as const;

function cell(value: string | number | null, type: ColumnType): unknown {
  return type === 'integer' && value !== null ? BigInt(value) : value;
}

const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' } as const;
const TYPES = {
  text: { element: TEXT, dtype: 'string' },
  integer: { element: { type: 'INT64', repetition_type: 'OPTIONAL' }, dtype: 'int64' },
  number: { element: { type: 'DOUBLE', repetition_type: 'OPTIONAL' }, dtype: 'float64' },
} as const;

function schemaOf(columns: ColumnTypes): SchemaElement[] {
  return [
    { name: 'root', num_children: 2 + Object.keys(columns).length },
    { name: 'problem', ...TEXT },
    { name: 'images', repetition_type: 'OPTIONAL', converted_type: 'LIST', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
    { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
    { name: 'path', ...TEXT },
    ...Object.entries(columns).map(([name, type]) => ({ name, ...TYPES[type].element })),
  ];
}

/**
 * Metadata that makes `datasets` decode the pictures. Versions before 4 know only the name `Sequence`; later ones read
 * it too.
 */
function featuresOf(columns: ColumnTypes): object {
  const value = (type: ColumnType) => ({ dtype: TYPES[type].dtype, _type: 'Value' });
  const images = { feature: { _type: 'Image' }, _type: 'Sequence' };
  return {
    problem: value('text'),
    images,
    ...Object.fromEntries(Object.entries(columns).map(([name, type]) => [name, value(type)])),
  };
}

/** A picture as a file: its own bytes if it comes from a file, PNG if it is drawn. */
async function encoded(ref: PictureRef): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  if (ref.type === 'figure')
    return { name: `${ref.key.replaceAll('/', '-')}.png`, bytes: await encodePng(await loadPicture(ref)) };
  const bytes = await bytesOf(ref);
  return { name: `${digestOf(bytes)}.${await pictureFormat(bytes, pictureName(ref))}`, bytes };
}

async function bytesOf(ref: PictureRef): Promise<Uint8Array> {
  if (ref.type === 'file') return readFile(ref.path);
  if (ref.type === 'parquet') return parquetPicture(ref);
  return ref.type === 'base64' ? base64Picture(ref) : encodePng(await loadPicture(ref));
}
