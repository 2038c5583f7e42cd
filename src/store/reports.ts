/** The ledger's reads for status, reports and dashboards. */
import type { CheckCounts } from '../protocol/status.ts';
import type { DropReason, Evaluation, JudgedGroup, StepMetrics } from '../protocol/messages.ts';
import type { Database } from './database.ts';
import { GROUP, toJudged, type GroupRow } from './group-rows.ts';
import { unpack } from './pack.ts';
import type { Counts, StoredEvaluation, StoredSetAside, StoredVersion } from './store.ts';

const NO_FINDINGS: CheckCounts = { held: 0, denied: 0, abstained: 0, lost: 0 };

export class Reports {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  versions(limit: number): readonly StoredVersion[] {
    const rows = this.#db.rows<{
      n: number;
      parent: number | null;
      batch_id: number | null;
      metrics: ArrayBuffer | null;
      at: number;
    }>('SELECT n, parent, batch_id, metrics, at FROM versions ORDER BY n DESC LIMIT ?', limit);
    return rows.map(({ n, parent, batch_id: batchId, metrics, at }) => ({
      n,
      parent,
      batchId,
      metrics: metrics && unpack<StepMetrics>(metrics),
      savedAt: at,
    }));
  }

  evaluations(): readonly StoredEvaluation[] {
    return this.#evaluations('ORDER BY version, whole');
  }

  bestEvaluation(): StoredEvaluation | undefined {
    return this.#evaluations('ORDER BY greedy DESC, whole DESC, version LIMIT 1')[0];
  }

  #evaluations(order: string): StoredEvaluation[] {
    const rows = this.#db.rows<{ data: ArrayBuffer; at: number }>(`SELECT data, at FROM evaluations ${order}`);
    return rows.map(({ data, at }) => ({ ...unpack<Evaluation>(data), savedAt: at }));
  }

  judgedGroups(limit: number, beforeSequence: number): readonly JudgedGroup[] {
    return this.#db
      .rows<GroupRow>(
        `${GROUP} WHERE verdicts.sequence < ? ORDER BY verdicts.sequence DESC LIMIT ?`,
        beforeSequence,
        limit,
      )
      .map(toJudged);
  }

  batchesSetAside(limit: number): readonly StoredSetAside[] {
    const rows = this.#db.rows<{ id: number; parent: number; cause: string; numbers: string | null; at: number }>(
      'SELECT id, parent, cause, numbers, set_aside.at FROM set_aside JOIN batches ON batches.id = batch_id ORDER BY id DESC LIMIT ?',
      limit,
    );
    return rows.map(({ id, parent, cause, numbers, at }) => {
      const groups = this.#db.rows<{ id: string }>(
        'SELECT groups.id FROM batch_groups JOIN groups USING (sequence) WHERE batch_id = ? ORDER BY position',
        id,
      );
      return {
        batchId: id,
        parent,
        groupIds: groups.map((group) => group.id),
        cause,
        numbers: numbers === null ? null : toNumbers(numbers),
        at,
      };
    });
  }

  counts(): Counts {
    const rows = this.#db.rows<{ name: string; value: number }>('SELECT name, value FROM counters');
    const values = new Map(rows.map(({ name, value }) => [name, value]));
    const of = (name: string) => values.get(name) ?? 0;
    const dropped: Partial<Record<DropReason, number>> = {};
    const checks = new Map<string, CheckCounts>();
    for (const [name, value] of values) {
      const [kind = '', of = ''] = name.split(/:(.*)/s);
      if (kind === 'dropped') dropped[of as DropReason] = value;
      else if (kind in NO_FINDINGS) checks.set(of, { ...(checks.get(of) ?? NO_FINDINGS), [kind]: value });
    }
    return {
      admitted: of('admitted'),
      sampled: of('sampled'),
      judged: of('judged'),
      kept: of('kept'),
      dropped,
      checks: Object.fromEntries(checks),
      learnt: of('learnt'),
      setAside: of('setAside'),
      batches: of('batches'),
      versions: of('versions'),
    };
  }
}

/** JSON has no NaN and no infinity, so they are stored as text. */
function toNumbers(json: string): StepMetrics {
  return JSON.parse(json, (_, value: unknown) => (typeof value === 'string' ? Number(value) : value)) as StepMetrics;
}
