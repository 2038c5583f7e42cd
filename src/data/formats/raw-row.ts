/** A row as in its file, before columns get their roles. */
import { InputError } from '../../protocol/errors.ts';
import type { PictureRef } from '../../protocol/messages.ts';
import { decoded, writtenForms, type EmbeddedPicture } from '../embedded.ts';
import { digestOf } from '../digest.ts';

export type DataRecord = Readonly<Record<string, unknown>>;

export interface RawRow {
  readonly record: DataRecord;
  /** File and line, or file and row: for errors. */
  readonly where: string;
  /** A reference to picture `index` of a column, embedded in the row. @throws InputError without the place. */
  readonly embed: (column: string, index: number, picture: EmbeddedPicture) => PictureRef | Promise<PictureRef>;
}

/** Where the text of a row is in its file. */
interface Place {
  readonly offset: number;
  readonly bytes: () => Buffer | Promise<Buffer>;
}

/** A row of a text file: its pictures are base64. */
export function textRow(path: string, record: DataRecord, where: string, { offset, bytes }: Place): RawRow {
  const embed = async (_column: string, _index: number, picture: EmbeddedPicture): Promise<PictureRef> => {
    const row = await bytes();
    for (const text of writtenForms(picture.base64 ?? '')) {
      const at = row.indexOf(text);
      if (at >= 0)
        return { type: 'base64', path, offset: offset + at, length: text.length, digest: digestOf(decoded(picture)) };
    }
    throw new InputError('a picture whose base64 is written with escapes cannot be read; write it as plain characters');
  };
  return { record, where, embed };
}
