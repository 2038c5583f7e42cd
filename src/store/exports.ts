/** Pages of what was learnt, for exporters: versions with their groups in the order of the chain, evaluations in the order in which they came. */
import type { Evaluation, PolicyVersion, StepMetrics } from '../protocol/messages.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { Database } from './database.ts';
import { GROUP, toJudged, type GroupRow } from './group-rows.ts';
import { unpack } from './pack.ts';
import type { ExportCursor, ExportRecords } from './store.ts';

export class Exports {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** What retention has deleted meanwhile is passed over. */
  page(cursor: ExportCursor, versions: number): ExportRecords {
    const learnt = this.#db.rows<{ n: number; parent: number | null; batch_id: number | null; metrics: ArrayBuffer | null }>(
      'SELECT n, parent, batch_id, metrics FROM versions WHERE n > ? ORDER BY n LIMIT ?',
      cursor.version,
      versions,
    );
    const evaluated = this.#db.rows<{ number: number; data: ArrayBuffer }>(
      'SELECT rowid AS number, data FROM evaluations WHERE rowid > ? ORDER BY rowid LIMIT ?',
      cursor.evaluation,
      versions,
    );
    const records = [
      ...learnt.flatMap((row): LoopEvent[] => [...this.#groupsOf(row.batch_id), { type: 'learnt', version: versionOf(row) }]),
      ...evaluated.map(({ data }): LoopEvent => ({ type: 'evaluated', evaluation: unpack<Evaluation>(data) })),
    ];
    return { records, next: { version: learnt.at(-1)?.n ?? cursor.version, evaluation: evaluated.at(-1)?.number ?? cursor.evaluation } };
  }

  #groupsOf(batchId: number | null): LoopEvent[] {
    if (batchId === null) return [];
    const rows = this.#db.rows<GroupRow>(`${GROUP} JOIN batch_groups USING (sequence) WHERE batch_id = ? ORDER BY position`, batchId);
    return rows.map((row) => ({ type: 'judged', judged: toJudged(row) }));
  }
}

function versionOf({
  n,
  parent,
  batch_id: batchId,
  metrics,
}: {
  n: number;
  parent: number | null;
  batch_id: number | null;
  metrics: ArrayBuffer | null;
}): PolicyVersion {
  return { n, parent, batchId, metrics: metrics && unpack<StepMetrics>(metrics) };
}
