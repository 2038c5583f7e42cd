/**
 * A JSON document of rows: a list, an object with a list of rows (`{"data": [...]}`), or an object of rows by their
 * ids. It may be larger than a JavaScript string, so rows are cut out of the stream and parsed one by one.
 */
import { InputError } from '../../protocol/errors.ts';
import { isRecord } from '../columns.ts';
import { quoted } from '../quoted.ts';
import { JsonScanner, type Found, type Rows } from './json-scanner.ts';
import { textRow, type RawRow } from './raw-row.ts';
import { bytesOf, checkUtf8, MAX_ROW, parseJson, tooLong, type TextFile } from './text.ts';

/** @throws InputError naming file and line. */
export async function* jsonRows(file: TextFile): AsyncGenerator<RawRow> {
  for await (const { key, line, offset, bytes } of elements(file, await rowsIn(file))) {
    const where = `${file.path}:${line}`;
    checkUtf8(bytes, where);
    const record = parseJson(bytes.toString('utf8'), where, 'each row must be one JSON object');
    if (!isRecord(record))
      throw new InputError(`${where}: expected a list of JSON objects, found ${quoted(record)} in it`);
    yield textRow(file.path, key === undefined || 'id' in record ? record : { id: key, ...record }, where, {
      offset,
      bytes: () => bytes,
    });
  }
}

/** The place of the rows in the document. */
async function rowsIn(file: TextFile): Promise<Rows> {
  if (file.head.trimStart().startsWith('[')) return { type: 'list' };
  const scanner = new JsonScanner({ type: 'members' });
  let hasObjects = false;
  for await (const chunk of bytesOf(file)) {
    for (const found of scanner.feed(chunk)) {
      if (found.type === 'list of objects') return { type: 'list in', key: found.key };
      hasObjects ||= found.type === 'start';
    }
  }
  if (hasObjects) return { type: 'members' };
  throw new InputError(`${file.path}: holds neither a list of JSON objects nor an object of them`);
}

interface Element {
  readonly key: string | undefined;
  readonly line: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

async function* elements(file: TextFile, rows: Rows): AsyncGenerator<Element> {
  const scanner = new JsonScanner(rows);
  let begun: Extract<Found, { type: 'start' }> | undefined;
  let parts: Buffer[] = [];
  let before = 0;
  for await (const chunk of bytesOf(file)) {
    let from = 0;
    for (const found of scanner.feed(chunk)) {
      if (found.type === 'start') {
        [begun, parts, from] = [found, [], found.at - before];
      } else if (found.type === 'end' && begun !== undefined) {
        const bytes = Buffer.concat([...parts, chunk.subarray(from, found.at - before)]);
        yield { key: begun.key, line: begun.line, offset: file.start + begun.at, bytes };
        begun = undefined;
      }
    }
    if (begun !== undefined) parts.push(chunk.subarray(from));
    before += chunk.length;
    if (begun !== undefined && before - begun.at > MAX_ROW) throw tooLong(`${file.path}:${begun.line}`);
  }
  if (scanner.depth !== 0)
    throw new InputError(
      `${file.path}:${scanner.line}: not whole JSON: it ends within a list or an object; was the copy cut short?`,
    );
}
