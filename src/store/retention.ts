/**
 * Deletes what the bounds allow, a bounded amount at a time so that the loop never waits long. A group may be deleted
 * when it was dropped, or when its batch is learnt and older than every checkpoint that a restart may load: data for a
 * replay or for unfinished work always stays.
 */
import { THINNED_BELOW } from './chain.ts';
import type { Database } from './database.ts';
import type { Retention } from './store.ts';

const DAY_MILLISECONDS = 86_400_000;
/** Newest batches set aside whose groups are kept for inspection. */
const KEPT_ASIDE = 20;
/** Maximum of groups deleted in one call. */
const GROUPS_AT_ONCE = 1_000;

const SETTLED = `SELECT groups.sequence FROM groups JOIN verdicts USING (sequence)
  LEFT JOIN batch_groups USING (sequence) LEFT JOIN batches ON batches.id = batch_groups.batch_id
  LEFT JOIN versions ON versions.batch_id = batches.id
  WHERE (kept = 0 OR (versions.n IS NOT NULL AND batches.parent < ?1)
    OR (batches.id IN (SELECT batch_id FROM set_aside) AND batches.id NOT IN (SELECT batch_id FROM set_aside ORDER BY batch_id DESC LIMIT ${KEPT_ASIDE})))`;

/** Counts of deleted rows. */
export interface Deleted {
  readonly groups: number;
  /** Values of metrics. */
  readonly points: number;
}

export function enforce(db: Database, bounds: Retention, replayFloor: number, now: number): Deleted {
  const oldest = now - bounds.maxDays * DAY_MILLISECONDS;
  const groups = deleteGroups(db, bounds, replayFloor, oldest);
  thinVersions(db, bounds.maxVersions, replayFloor);
  thinAnswers(db, bounds.maxAnswerVersions);
  db.run('DELETE FROM events WHERE at < ? OR id <= (SELECT max(id) FROM events) - ?', oldest, bounds.maxEvents);
  let points = 0;
  for (const { id, n } of db.rows<{ id: number; n: number }>(
    'SELECT name_id AS id, count(*) AS n FROM metrics GROUP BY name_id',
  )) {
    let left = n;
    while (left > bounds.maxMetricPoints) left -= thinMetric(db, id, left);
    points += n - left;
  }
  return { groups, points };
}

function deleteGroups(db: Database, bounds: Retention, replayFloor: number, oldest: number): number {
  const total = db.row<{ n: number }>('SELECT count(*) AS n FROM groups')!.n;
  const excess = Math.max(0, total - bounds.maxGroups);
  const doomed = db.rows<{ sequence: number }>(
    `SELECT sequence FROM (${SETTLED} AND groups.at < ?2 UNION SELECT sequence FROM (${SETTLED} ORDER BY groups.sequence LIMIT ?3))
     ORDER BY sequence LIMIT ${GROUPS_AT_ONCE}`,
    replayFloor,
    oldest,
    excess,
  );
  for (const { sequence } of doomed) {
    const question = db.row<{ id: string }>('SELECT question_id AS id FROM admissions WHERE sequence = ?', sequence)!;
    db.run('DELETE FROM admissions WHERE sequence = ?', sequence); // its group, verdict and place in a batch go with it
    db.run(
      'DELETE FROM questions WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM admissions WHERE question_id = ?1)',
      question.id,
    );
  }
  return doomed.length;
}

/** Versions and batches are small, but a month makes a million. The best evaluation always stays. */
function thinVersions(db: Database, maxVersions: number, replayFloor: number): void {
  const newest = db.row<{ n: number | null }>('SELECT max(n) AS n FROM versions')!.n;
  if (newest === null) return;
  const below = Math.min(newest - maxVersions + 1, replayFloor);
  const gone = db.run(
    'DELETE FROM versions WHERE n < ? AND NOT EXISTS (SELECT 1 FROM batch_groups WHERE batch_groups.batch_id = versions.batch_id)',
    below,
  );
  if (gone > 0) markThinned(db, below);
  db.run(
    `DELETE FROM batches WHERE parent < ? AND NOT EXISTS (SELECT 1 FROM batch_groups WHERE batch_id = batches.id)
     AND NOT EXISTS (SELECT 1 FROM versions WHERE batch_id = batches.id)`,
    below,
  );
  db.run(
    `DELETE FROM evaluations WHERE version < ? AND (version, whole) NOT IN
     (SELECT version, whole FROM evaluations ORDER BY greedy DESC, whole DESC, version LIMIT 1)`,
    below,
  );
}

/** Below this mark a version that is missing was deleted here; from it on it was not. */
function markThinned(db: Database, below: number): void {
  db.run(
    `INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = max(CAST(value AS INTEGER), CAST(excluded.value AS INTEGER))`,
    THINNED_BELOW,
    String(below),
  );
}

function thinAnswers(db: Database, maxAnswerVersions: number): void {
  const gone = db.run(
    `DELETE FROM answers WHERE version <> 0
     AND version NOT IN (SELECT DISTINCT version FROM answers ORDER BY version DESC LIMIT ?)
     AND version NOT IN (SELECT version FROM evaluations ORDER BY greedy DESC, whole DESC, version LIMIT 1)`,
    maxAnswerVersions,
  );
  if (gone > 0) db.run('DELETE FROM held_out WHERE id NOT IN (SELECT question_id FROM answers)');
}

/**
 * Deletes every second point of the older half, so a long history loses resolution, never its shape. @returns the
 * count.
 */
function thinMetric(db: Database, nameId: number, points: number): number {
  return db.run(
    `DELETE FROM metrics WHERE name_id = ?1 AND step IN (
       SELECT step FROM (SELECT step, row_number() OVER (ORDER BY step) AS place FROM metrics WHERE name_id = ?1)
       WHERE place <= ?2 AND place % 2 = 0)`,
    nameId,
    Math.floor(points / 2),
  );
}
