/** The metrics of a run by version, read from its database, also while a daemon writes it. */
import { existsSync } from 'node:fs';
import { InputError } from '../protocol/errors.ts';
import { translate } from './database.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './migrations.ts';
import { openToRead, pragma, rowsOf } from './open-to-read.ts';
import { refuseOddEntries } from './run-entries.ts';
import { runPaths } from './run-folder.ts';

/** Every metric of a version by name; `at` is in milliseconds since 1970. */
export interface HistoryRow {
  readonly version: number;
  readonly values: Readonly<Record<string, number>>;
}

/** Ascending. @throws InputError when the database is missing, damaged, or written by a newer Quorum. */
export function readHistory(runFolder: string): readonly HistoryRow[] {
  const { path, database } = runPaths(runFolder);
  refuseOddEntries(path, ['quorum.db', 'quorum.db-wal']);
  if (!existsSync(database))
    throw new InputError(`${path} has no history: there is no quorum.db; name a run folder with --run`);
  try {
    using opened = openToRead(database);
    const { db } = opened;
    const version = pragma(db, 'user_version');
    if (pragma(db, 'application_id') !== APPLICATION_ID) throw new InputError(`${database} is not one of Quorum's`);
    if (version > SCHEMA_VERSION)
      throw new InputError(
        `${database} was written by a newer Quorum (version ${version}, this one knows ${SCHEMA_VERSION})`,
      );
    const found = rowsOf<{ step: number; name: string; value: number }>(
      db,
      'SELECT step, name, value FROM metrics JOIN metric_names ON metric_names.id = name_id WHERE value IS NOT NULL ORDER BY step, name',
    );
    const rows: { readonly version: number; readonly values: Record<string, number> }[] = [];
    for (const { step, name, value } of found) {
      if (rows.at(-1)?.version !== step) rows.push({ version: step, values: {} });
      rows.at(-1)!.values[name] = value;
    }
    return rows;
  } catch (error) {
    throw translate(database, error);
  }
}
