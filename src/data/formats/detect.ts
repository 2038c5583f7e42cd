/** Detects the format of a file by the end of its name and, for text, by its first bytes. */
import { extname } from 'node:path';
import { InputError } from '../../protocol/errors.ts';
import { isRecord } from '../columns.ts';
import { isMessages } from '../layouts/messages.ts';
import { csvRows } from './csv.ts';
import { jsonRows } from './json.ts';
import { jsonlRows } from './jsonl.ts';
import type { RawRow } from './raw-row.ts';
import { openText, type TextFile } from './text.ts';

type Format = 'parquet' | 'csv' | 'jsonl' | 'json';

/** File endings in a folder of data, in order of preference: only files of one format are read. */
export const DATA_ENDINGS: readonly (readonly string[])[] = [
  ['.parquet'],
  ['.jsonl', '.ndjson'],
  ['.csv', '.tsv'],
  ['.json'],
];

/** Unsupported formats, and how to convert them. */
const OTHERS: Readonly<Record<string, string>> = {
  '.arrow': 'an Arrow file of `save_to_disk`: write it with `dataset.to_parquet(...)`',
  '.gz': 'compressed: unpack it with `gunzip`',
  '.zst': 'compressed: unpack it with `unzstd`',
  '.zip': 'an archive: unpack it and name the file or folder in it',
  '.tar': 'an archive: unpack it and name the file or folder in it',
  '.tgz': 'an archive: unpack it and name the file or folder in it',
  '.xlsx': 'a spreadsheet: save it as CSV',
  '.pkl': 'a pickle, which is a program: write it as Parquet or JSON Lines',
};

/** Undefined for Parquet, which is not read by the row. @throws InputError for an unsupported format. */
export async function openRows(path: string): Promise<AsyncIterable<RawRow> | undefined> {
  const ending = extname(path).toLowerCase();
  if (ending === '.parquet') return undefined;
  if (OTHERS[ending] !== undefined) throw new InputError(`${path}: is ${OTHERS[ending]}`);
  const file = await openText(path);
  const format = formatOf(file, ending);
  if (format === 'parquet') return undefined;
  return { csv: csvRows, json: jsonRows, jsonl: jsonlRows }[format](file);
}

/** @throws InputError when it looks like CSV under another name. */
function formatOf({ path, head }: TextFile, ending: string): Format {
  if (head.startsWith('PAR1')) return 'parquet';
  if (ending === '.csv' || ending === '.tsv') return 'csv';
  const text = head.trimStart();
  if (text.startsWith('[')) return 'json';
  const line = text.split('\n', 1)[0]!.trim();
  if (text.startsWith('{')) return isLines(line, ending) ? 'jsonl' : 'json';
  if (/^[^{[]*[,;\t][^{[]*$/.test(line))
    throw new InputError(`${path}: looks like CSV or TSV: give it a name that ends in .csv or .tsv`);
  return 'jsonl';
}

/**
 * Whether a file that starts with an object has one object per line; a single object may hold the rows of the whole
 * file.
 */
function isLines(line: string, ending: string): boolean {
  try {
    const values = Object.values(JSON.parse(line) as object) as unknown[];
    const holdsRows = values.length > 0 && (values.some(isListOfRows) || values.every(isRecord));
    return !holdsRows;
  } catch {
    return ending !== '.json' && line !== '{';
  }
}

function isListOfRows(value: unknown): boolean {
  return (
    Array.isArray(value) && isRecord(value[0]) && !isMessages(value) && !('bytes' in value[0]) && !('path' in value[0])
  );
}
