/** Reads what a restart continues: the work in hand, and the batches that it learns again. */
import type { Batch, Question } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { GROUP, toGroup, toJudged, type GroupRow } from './group-rows.ts';
import { unpack } from './pack.ts';
import type { Unfinished } from './store.ts';

export function unfinished(db: Database): Unfinished {
  const unsampled = db.rows<{ sequence: number; id: string; data: ArrayBuffer }>(
    `SELECT admissions.sequence, questions.id, questions.data FROM admissions JOIN questions ON questions.id = question_id
       LEFT JOIN groups USING (sequence) WHERE groups.sequence IS NULL ORDER BY admissions.sequence`,
  );
  const unjudged = db.rows<GroupRow>(`${GROUP} WHERE verdicts.sequence IS NULL ORDER BY groups.sequence`);
  const unbatched = db.rows<GroupRow>(
    `${GROUP} LEFT JOIN batch_groups USING (sequence) WHERE kept = 1 AND batch_groups.sequence IS NULL ORDER BY groups.sequence`,
  );
  return {
    // An older Quorum stored ids that its rows could not hold: the row's id is right.
    unsampled: unsampled.map(({ sequence, id, data }) => ({ sequence, question: { ...unpack<Question>(data), id } })),
    unjudged: unjudged.map(toGroup),
    unbatched: unbatched.map(toJudged),
    unlearnt: batches(db, 'id NOT IN (SELECT batch_id FROM versions WHERE batch_id IS NOT NULL)'),
  };
}

/** Batches whose step starts from this version or a later one, without those set aside. */
export function batchesSince(db: Database, version: number): readonly Batch[] {
  return batches(db, 'parent >= ?', version);
}

function batches(db: Database, where: string, ...values: number[]): Batch[] {
  const rows = db.rows<{ id: number; parent: number }>(
    `SELECT id, parent FROM batches WHERE ${where} AND id NOT IN (SELECT batch_id FROM set_aside) ORDER BY parent, id`,
    ...values,
  );
  return rows.map(({ id, parent }) => {
    const groups = db.rows<GroupRow>(
      `${GROUP} JOIN batch_groups USING (sequence) WHERE batch_id = ? ORDER BY position`,
      id,
    );
    return { id, parent, groups: groups.map(toJudged) };
  });
}
