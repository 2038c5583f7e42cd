/**
 * CSV and TSV with a header: quoted cells may hold line breaks, empty cells have no value. Streamed, each row of
 * bounded length.
 */
import { Readable, pipeline } from 'node:stream';
import { CsvError, parse, type Info } from 'csv-parse';
import { InputError } from '../../protocol/errors.ts';
import { quoted } from '../quoted.ts';
import { textRow, type RawRow } from './raw-row.ts';
import { bytesOf, checkUtf8, MAX_ROW, readRange, type TextFile } from './text.ts';

interface Parsed {
  readonly record: readonly string[];
  readonly raw: string;
  readonly info: Info;
}

/** @throws InputError naming file and line. */
export async function* csvRows(file: TextFile): AsyncGenerator<RawRow> {
  let header: readonly string[] | undefined;
  let end = file.start;
  for await (const { record, raw, info } of parsed(file)) {
    const [offset, length] = [end, file.start + info.bytes - end];
    end += length;
    if (header === undefined) {
      header = headerOf(record, file.path);
      continue;
    }
    const where = `${file.path}:${info.lines - (raw.trim().match(/\n/g)?.length ?? 0)}`;
    const bytes = (): Promise<Buffer> => readRange(file.path, offset, length);
    if (raw.includes('\ufffd')) checkUtf8(await bytes(), where);
    const row = Object.fromEntries(header.map((name, i) => [name, cellOf(record[i]!)]));
    yield textRow(file.path, row, where, { offset, bytes });
  }
}

/** @throws InputError when two columns have the same name. */
function headerOf(record: readonly string[], path: string): readonly string[] {
  const names = record.map((name) => name.trim());
  const twice = names.find((name, i) => name !== '' && names.indexOf(name) < i);
  if (twice !== undefined) throw new InputError(`${path}:1: the header names the column ${quoted(twice)} twice`);
  return names;
}

async function* parsed(file: TextFile): AsyncGenerator<Parsed> {
  const parser = parse({
    delimiter: delimiterOf(file),
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    raw: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: MAX_ROW,
  });
  pipeline(Readable.from(bytesOf(file)), parser, () => undefined);
  try {
    yield* parser as AsyncIterable<Parsed>;
  } catch (error) {
    throw error instanceof CsvError ? new InputError(`${file.path}:${lineOf(error)}: ${reasonOf(error)}`) : error;
  }
}

function lineOf(error: CsvError): number {
  return Number(error['lines'] ?? 1);
}

function reasonOf(error: CsvError): string {
  if (error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH') {
    const cells = (error['record'] as readonly unknown[]).length;
    return `the row has ${cells} ${cells === 1 ? 'cell' : 'cells'}, the header has another number: is a comma or a line break within a cell not quoted?`;
  }
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return 'a quoted cell that begins here has no end';
  return error.message;
}

/** The most frequent usual separator in the header; a name that ends in .tsv decides. */
function delimiterOf({ path, head }: TextFile): string {
  if (path.endsWith('.tsv')) return '\t';
  const header = head.split(/[\r\n]/, 1)[0]!;
  const count = (delimiter: string): number => header.split(delimiter).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0]!;
}

/** Parses a cell with a JSON list or object. */
function cellOf(text: string): unknown {
  if (text === '') return null;
  if (!/^\s*(?:\[\s*\{|\{\s*")/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
