/**
 * Checks that the versions, batches and checkpoints of a run fit each other, for `quorum start` and `quorum doctor`.
 * Each version's row is durable before its checkpoint is written, so no checkpoint is newer than the newest row, except
 * that of a rollback, whose intent is stored first (streams/rollback.ts). A batch is durable before its version's row,
 * so the newest batch may have led to no version yet.
 */
import type { Finding } from './finding.ts';

/** Keys of the table `meta`. */
export const REPLAY_FLOOR = 'replayFloor';
export const ROLLBACK_INTENT = 'loop.rollback';
export const THINNED_BELOW = 'thinnedBelow';

export interface Chain {
  /** Ascending. */
  readonly versions: readonly { readonly n: number; readonly parent: number | null; readonly batchId: number | null }[];
  readonly batches: readonly { readonly id: number; readonly parent: number; readonly groups: number }[];
  /** Batches set aside, newest first: no version comes from them. */
  readonly setAside: readonly { readonly id: number; readonly cause: string }[];
  /** Versions below it may be deleted together with their groups; from it on all exist. */
  readonly whole: number;
  /** Oldest version that a restart replays from: groups of the steps up to it may be deleted. */
  readonly floor: number;
  /** The version that an unfinished rollback makes. */
  readonly rollback: number | undefined;
}

export interface Saved {
  /** Newest version whose checkpoint holds. */
  readonly checkpoint: number | undefined;
  /** The best version that is on disk. */
  readonly best: number | undefined;
}

/** `harmless`: a start continues anyway. */
export type ChainFault = Pick<Finding, 'part' | 'problem'> & { readonly harmless?: true };

/** Also reads tables of an older Quorum, before any migration. */
export function readChain(rows: <Row>(sql: string) => Row[]): Chain {
  const versions = rows<Chain['versions'][number]>('SELECT n, parent, batch_id AS batchId FROM versions ORDER BY n');
  const batches = rows<Chain['batches'][number]>(
    'SELECT id, parent, (SELECT count(*) FROM batch_groups WHERE batch_id = batches.id) AS groups FROM batches ORDER BY id',
  );
  // An older Quorum's database has no such table.
  const hasAside = rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'set_aside'").length > 0;
  const setAside = hasAside
    ? rows<Chain['setAside'][number]>('SELECT batch_id AS id, cause FROM set_aside ORDER BY batch_id DESC')
    : [];
  const texts = new Map(
    rows<{ key: string; value: string }>('SELECT key, value FROM meta').map(({ key, value }) => [key, value]),
  );
  const meta = (key: string): unknown => JSON.parse(texts.get(key) ?? 'null');
  const intent = meta(ROLLBACK_INTENT) as { readonly as: number } | null;
  // An older Quorum did not record that it thinned the database; it deleted version 0 first.
  const floor = (meta(REPLAY_FLOOR) as number | null) ?? 0;
  const whole = (meta(THINNED_BELOW) as number | null) ?? (versions[0]?.n === 0 ? 0 : floor);
  return { versions, batches, setAside, whole, floor, rollback: intent?.as };
}

export function chainFaults(chain: Chain, saved: Saved): ChainFault[] {
  const newest = chain.versions.at(-1)?.n;
  const faults = [...gaps(chain), ...mismatches(chain)];
  const ahead = Math.max(saved.checkpoint ?? -1, saved.best ?? -1);
  if (ahead > (newest ?? -1) && ahead !== chain.rollback) {
    const has = newest === undefined ? 'has no versions' : `ends at version ${newest}`;
    return [...faults, { part: 'versions', problem: `${has}, but version ${ahead} is on disk` }];
  }
  return [...faults, ...replayFaults(chain, saved.checkpoint ?? 0)];
}

/** Old versions may have been thinned out, never those from `whole` on. */
function gaps({ versions, whole }: Chain): ChainFault[] {
  const there = versions.map(({ n }) => n).filter((n) => n >= whole);
  const faults: ChainFault[] = [];
  let next = whole;
  for (const n of there) {
    if (n !== next) faults.push({ part: 'versions', problem: missing(next, n - 1) });
    next = n + 1;
  }
  return faults;
}

function missing(from: number, to: number): string {
  return from === to ? `lacks version ${from}` : `lacks versions ${from} to ${to}`;
}

/** Each version was learnt from a batch of its parent, and each batch but the newest has led to a version. */
function mismatches({ versions, batches, setAside, whole }: Chain): ChainFault[] {
  const faults: ChainFault[] = [];
  const bad = (part: ChainFault['part'], problem: string): unknown => faults.push({ part, problem });
  const byId = new Map(batches.map((batch) => [batch.id, batch]));
  for (const { n, parent, batchId } of versions) {
    if (n > 0 && batchId !== null && parent !== n - 1) bad('versions', `has version ${n} with parent ${parent}`);
    const batch = batchId === null ? undefined : byId.get(batchId);
    if (batch !== undefined && batch.parent !== parent)
      bad('batches', `has batch ${batch.id} of version ${n}, which starts from version ${batch.parent}`);
  }
  const used = new Set([...versions.map(({ batchId }) => batchId), ...setAside.map(({ id }) => id)]);
  const oldest = versions[0]?.n ?? 0;
  const unlearnt = batches.filter(({ id, parent }) => !used.has(id) && parent >= oldest);
  const newest = versions.at(-1)?.n;
  const there = new Set(versions.map(({ n }) => n));
  for (const { id, parent } of unlearnt) {
    if (parent !== newest && parent + 1 >= whole && !there.has(parent + 1)) continue; // a gap, reported as such
    if (unlearnt.length > 1 || parent !== newest)
      bad('batches', `has batch ${id} of version ${parent}, which led to no version`);
  }
  return faults;
}

/**
 * From the checkpoint (or the base, 0) the stored batches must lead to the newest version. A batch after the replay
 * floor is empty only when all its questions are gone from the data: a replay then skips its step (streams/resume.ts).
 */
function replayFaults({ versions, batches, whole, floor }: Chain, from: number): ChainFault[] {
  const byId = new Map(batches.map((batch) => [batch.id, batch]));
  const after = versions.filter(({ n }) => n > from);
  const first = after[0]?.n ?? from + 1;
  const where = from === 0 ? 'the base' : `checkpoint ${from}`;
  if (first > from + 1 && from + 1 < whole) {
    return [
      {
        part: 'versions',
        problem: `${missing(from + 1, first - 1)}, which would have to be learnt again from ${where}`,
      },
    ];
  }
  return after.flatMap(({ n, batchId }): ChainFault[] => {
    const batch = batchId === null ? undefined : byId.get(batchId);
    if (batchId === null || (batch?.groups ?? 0) > 0) return [];
    if (batch !== undefined && n > floor) {
      const problem = `version ${n} will be learnt again as version ${n - 1}, with no step: batch ${batchId} has no groups left`;
      return [{ part: 'batches', problem, harmless: true }];
    }
    return [
      {
        part: 'batches',
        problem: `has no groups of batch ${batchId}: version ${n} cannot be learnt again from ${where}`,
      },
    ];
  });
}
