/** Assigns columns to roles: the user's choice, the known names, and the row's layout. */
import { InputError } from '../protocol/errors.ts';
import { chooseColumns, missingColumn, type ColumnRole, type Columns } from './columns.ts';
import type { DataRecord } from './formats/raw-row.ts';
import { isMessages } from './layouts/messages.ts';
import { LAYOUTS } from './layouts/table.ts';
import type { OpenOptions } from './rows.ts';

/** The plan without a layout. */
export const PLAIN = 'plain columns';

export interface Plan {
  readonly columns: Columns;
  /** Columns of pictures. */
  readonly pictures: readonly string[];
  /** Columns with one choice each. */
  readonly choices: readonly string[];
  /** Names of the layouts found. */
  readonly layout: string;
}

export interface PlanRequest {
  readonly record: DataRecord;
  /** Every column, fields of structs included. */
  readonly found: readonly string[];
  readonly where: string;
  readonly suits?: (role: ColumnRole, name: string) => boolean;
}

/** @throws InputError when a required column is missing. */
export function planRow(
  { record, found, where, suits }: PlanRequest,
  { columns: chosen = {}, picturesAlone = false }: OpenOptions,
): Plan {
  const plain = chooseColumns(found, chosen, where, suits);
  const layouts = LAYOUTS.flatMap((layout) => {
    const addition = layout.find(record, plain);
    return addition === undefined ? [] : [{ name: layout.name, ...addition }];
  });
  const question = plain.question ?? layouts.find((layout) => layout.question !== undefined)?.question;
  const pictures = plain.pictures === undefined ? layouts.flatMap((layout) => layout.pictures ?? []) : [plain.pictures];
  if (question === undefined && !picturesAlone)
    throw new InputError(`${where}: ${missingColumn('question', found, record)}`);
  const isChat = question !== undefined && isMessages(record[question]);
  if (pictures.length === 0 && !isChat) throw new InputError(`${where}: ${missingColumn('pictures', found, record)}`);
  return {
    columns: { ...plain, question, ...(layouts.some(({ sharesIds }) => sharesIds) && { id: chosen.id }) },
    pictures,
    choices: chosen.choices === null ? [] : layouts.flatMap((layout) => layout.choices ?? []),
    layout: layouts.map(({ name }) => name).join(' and ') || PLAIN,
  };
}
