/** Reads the named values of a run's database while a daemon may have it open: no migration, nothing written. */
import { translate } from './database.ts';
import { openToRead, rowsOf } from './open-to-read.ts';

/** @returns the value that `Store.meta` would return. @throws InputError when the database cannot be read. */
export function readMeta(path: string): (key: string) => unknown {
  try {
    using opened = openToRead(path);
    const rows = rowsOf<{ readonly key: string; readonly value: string }>(opened.db, 'SELECT key, value FROM meta');
    const values = new Map(rows.map(({ key, value }) => [key, value]));
    return (key) => (values.has(key) ? (JSON.parse(values.get(key)!) as unknown) : undefined);
  } catch (error) {
    throw translate(path, error);
  }
}
