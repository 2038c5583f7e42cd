/** Counters in rows of their own: they stay right when what they count is deleted. */
import type { Database } from './database.ts';

export function counter(db: Database, name: string): number {
  return db.row<{ value: number }>('SELECT value FROM counters WHERE name = ?', name)?.value ?? 0;
}

export function count(db: Database, name: string, by: number): void {
  db.run(
    'INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
    name,
    by,
  );
}
