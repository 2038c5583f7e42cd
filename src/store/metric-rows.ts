/**
 * Metrics and events: each write survives the death of the process at once, and a power cut after the next durable
 * write.
 */
import { mean } from '../lib/mean.ts';
import type { Database } from './database.ts';
import type { Inspection } from './inspection.ts';
import { page } from './page.ts';
import type { MetricPoint, StoredEvent } from './store.ts';

const DEFAULT_POINTS = 500;

export class MetricRows {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #nameIds = new Map<string, number>();

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** A value that is not finite is kept as a gap (NULL), which `series` leaves out. */
  metric(name: string, step: number, value: number): void {
    const finite = Number.isFinite(value) ? value : null;
    this.#db.run(
      'INSERT OR REPLACE INTO metrics (name_id, step, value) VALUES (?, ?, ?)',
      this.#idOf(name),
      step,
      finite,
    );
  }

  series(name: string, maxPoints = DEFAULT_POINTS): readonly MetricPoint[] {
    const points = this.#db.rows<MetricPoint>(
      `SELECT step, value FROM metrics JOIN metric_names ON metric_names.id = name_id
       WHERE name = ? AND value IS NOT NULL ORDER BY step`,
      name,
    );
    return downsample(points, maxPoints);
  }

  metricNames(): readonly string[] {
    return this.#db.rows<{ name: string }>('SELECT name FROM metric_names ORDER BY name').map(({ name }) => name);
  }

  event(type: string, data: unknown): void {
    this.#db.run(
      'INSERT INTO events (at, type, data) VALUES (?, ?, ?)',
      this.#now(),
      type,
      JSON.stringify(data ?? null),
    );
  }

  eventsBefore({
    before,
    limit,
    kind,
  }: Parameters<Inspection['eventsBefore']>[0]): ReturnType<Inspection['eventsBefore']> {
    const { rows: events, next } = page(this.events(limit + 1, kind, before), limit, ({ id }) => id);
    return { events, next };
  }

  events(limit: number, type?: string, before = Number.MAX_SAFE_INTEGER): readonly StoredEvent[] {
    const select = 'SELECT id, at, type, data FROM events WHERE id < ?';
    const rows =
      type === undefined
        ? this.#db.rows<StoredEvent>(`${select} ORDER BY id DESC LIMIT ?`, before, limit)
        : this.#db.rows<StoredEvent>(`${select} AND type = ? ORDER BY id DESC LIMIT ?`, before, type, limit);
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      type: row.type,
      data: JSON.parse(row.data as string) as unknown,
    }));
  }

  /** Names are cached only once they are committed, so that a rolled-back transaction leaves no dangling id. */
  #idOf(name: string): number {
    const known = this.#nameIds.get(name);
    if (known !== undefined) return known;
    const row = this.#db.row<{ id: number }>('SELECT id FROM metric_names WHERE name = ?', name);
    if (row) {
      this.#nameIds.set(name, row.id);
      return row.id;
    }
    this.#db.run('INSERT INTO metric_names (name) VALUES (?)', name);
    return this.#db.row<{ id: number }>('SELECT id FROM metric_names WHERE name = ?', name)!.id;
  }
}

/**
 * Means of consecutive points in at most `maxPoints` buckets of (nearly) equal count; a bucket's step is that of its
 * last point.
 */
export function downsample(points: readonly MetricPoint[], maxPoints: number): readonly MetricPoint[] {
  if (points.length <= maxPoints) return points;
  return Array.from({ length: maxPoints }, (_, bucket) => {
    const from = Math.floor((bucket * points.length) / maxPoints);
    const to = Math.floor(((bucket + 1) * points.length) / maxPoints);
    const slice = points.slice(from, to);
    return { step: slice.at(-1)!.step, value: mean(slice.map((point) => point.value)) };
  });
}
