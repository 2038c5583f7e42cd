/** JSON Lines: one object a line. The file is streamed, a line at a time, each of bounded length. */
import { InputError } from '../../protocol/errors.ts';
import { isRecord } from '../columns.ts';
import { quoted } from '../quoted.ts';
import { textRow, type RawRow } from './raw-row.ts';
import { bytesOf, MAX_ROW, parseJson, tooLong, type TextFile } from './text.ts';

const LINE_FEED = 0x0a;

/** @throws InputError naming file and line. */
export async function* jsonlRows(file: TextFile): AsyncGenerator<RawRow> {
  for await (const { bytes, line, offset } of lines(file)) {
    const text = bytes.toString('utf8');
    if (text.trim() === '') continue;
    const where = `${file.path}:${line}`;
    const record = parseJson(text, where, 'each line must be one JSON object');
    if (!isRecord(record)) {
      throw new InputError(
        `${where}: the line: expected {"problem": string, "images": [path, ...], "answer"?: string}, found ${quoted(record)}`,
      );
    }
    yield textRow(file.path, record, where, { offset, bytes: () => bytes });
  }
}

interface Line {
  readonly bytes: Buffer;
  /** From 1. */
  readonly line: number;
  /** In the file. */
  readonly offset: number;
}

/** Lines without their line break. */
async function* lines(file: TextFile): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let line = 1;
  let offset = file.start;
  for await (const chunk of bytesOf(file)) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      const last = chunk.subarray(from, end);
      const bytes = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      yield { bytes, line, offset };
      [parts, length, from] = [[], 0, end + 1];
      offset += bytes.length + 1;
      line++;
    }
    parts.push(chunk.subarray(from));
    length += chunk.length - from;
    if (length > MAX_ROW) throw tooLong(`${file.path}:${line}`);
  }
  if (length > 0) yield { bytes: Buffer.concat(parts), line, offset };
}
