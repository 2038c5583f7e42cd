/**
 * Pages of what was learnt, for exporters: versions with their groups in the order of the chain, evaluations in order
 * of arrival.
 */
import type { Evaluation, PolicyVersion, StepMetrics } from '../protocol/messages.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { Database } from './database.ts';
import { GROUP, toJudged, type GroupRow } from './group-rows.ts';
import { unpack } from './pack.ts';
import type { ExportCursor, ExportRecords } from './store.ts';

interface VersionRow {
  readonly n: number;
  readonly parent: number | null;
  readonly batch_id: number | null;
  readonly metrics: ArrayBuffer | null;
}

export class Exports {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  end(): ExportCursor {
    return this.#db.row<{ version: number; evaluation: number }>(
      'SELECT (SELECT coalesce(max(n), 0) FROM versions) AS version, (SELECT coalesce(max(rowid), 0) FROM evaluations) AS evaluation',
    )!;
  }

  since(cursor: ExportCursor, most: number): ExportRecords {
    const learnt = this.#db.rows<VersionRow>(
      'SELECT n, parent, batch_id, metrics FROM versions WHERE n > ? ORDER BY n DESC LIMIT ?',
      cursor.version,
      Math.floor(most / 2),
    );
    const evaluated = this.#db.rows<{ data: ArrayBuffer }>(
      'SELECT data FROM evaluations WHERE rowid > ? ORDER BY rowid DESC LIMIT ?',
      cursor.evaluation,
      Math.floor(most / 2),
    );
    const records = [
      ...learnt
        .toReversed()
        .map((row) => ({ of: row.n, event: { type: 'learnt', version: versionOf(row) } satisfies LoopEvent })),
      ...evaluated.toReversed().map(({ data }) => {
        const evaluation = unpack<Evaluation>(data);
        return { of: evaluation.version, event: { type: 'evaluated', evaluation } satisfies LoopEvent };
      }),
    ];
    return { records: records.toSorted((a, b) => a.of - b.of).map(({ event }) => event), next: this.end() };
  }

  /** Rows that retention has deleted are skipped. */
  page(cursor: ExportCursor, versions: number): ExportRecords {
    const learnt = this.#db.rows<VersionRow>(
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
      ...learnt.flatMap((row): LoopEvent[] => [
        ...this.#groupsOf(row.batch_id),
        { type: 'learnt', version: versionOf(row) },
      ]),
      ...evaluated.map(({ data }): LoopEvent => ({ type: 'evaluated', evaluation: unpack<Evaluation>(data) })),
    ];
    return {
      records,
      next: { version: learnt.at(-1)?.n ?? cursor.version, evaluation: evaluated.at(-1)?.number ?? cursor.evaluation },
    };
  }

  #groupsOf(batchId: number | null): LoopEvent[] {
    if (batchId === null) return [];
    const rows = this.#db.rows<GroupRow>(
      `${GROUP} JOIN batch_groups USING (sequence) WHERE batch_id = ? ORDER BY position`,
      batchId,
    );
    return rows.map((row) => ({ type: 'judged', judged: toJudged(row) }));
  }
}

function versionOf({ n, parent, batch_id: batchId, metrics }: VersionRow): PolicyVersion {
  return { n, parent, batchId, metrics: metrics && unpack<StepMetrics>(metrics) };
}
