/** Reads the named values of a run's database beside a daemon that may have it open: no migration, nothing written. */
import Libsql from 'libsql';
import { translate } from './database.ts';

const WAIT_MILLISECONDS = 5_000;

/** @returns what `Store.meta` would. @throws InputError when the database cannot be read. */
export function readMeta(path: string): (key: string) => unknown {
  try {
    const db = new Libsql(path, { timeout: WAIT_MILLISECONDS });
    try {
      const rows = db.prepare('SELECT key, value FROM meta').all() as { readonly key: string; readonly value: string }[];
      const values = new Map(rows.map(({ key, value }) => [key, value]));
      return (key) => (values.has(key) ? (JSON.parse(values.get(key)!) as unknown) : undefined);
    } finally {
      db.close();
    }
  } catch (error) {
    throw translate(path, error);
  }
}
