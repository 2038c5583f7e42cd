/**
 * Judged groups for the dashboard: filtered, by id, by question. Each query finds sequence numbers first and reads only
 * their rows.
 */
import type { GroupFilter } from '../protocol/frames.ts';
import type { Database, Value } from './database.ts';
import { GROUP, toJudged, type GroupRow } from './group-rows.ts';
import type { Page, StoredGroup } from './inspection.ts';
import { page } from './page.ts';

/**
 * Start of every search. The index covers all columns of the filters, so the blobs are not touched, and has the order
 * of the pages.
 */
export const SEARCH = 'SELECT sequence FROM verdicts INDEXED BY verdicts_by_facts WHERE';

export class JudgedGroups {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find(
    filter: GroupFilter,
    { before = Number.MAX_SAFE_INTEGER, limit }: Page,
  ): { groups: readonly StoredGroup[]; next: number | null } {
    const { where, values } = conditions(filter);
    const found = this.#db.rows<{ sequence: number }>(
      `${SEARCH} ${['sequence < ?', ...where].join(' AND ')} ORDER BY sequence DESC LIMIT ?`,
      before,
      ...values,
      limit + 1,
    );
    const { rows, next } = page(found, limit, ({ sequence }) => sequence);
    return { groups: this.#read(rows).toReversed(), next };
  }

  byId(id: string): (StoredGroup & { readonly learntBy: number | null }) | undefined {
    const row = this.#db.row<GroupRow>(`${GROUP} WHERE groups.id = ? AND verdicts.sequence IS NOT NULL`, id);
    if (!row) return undefined;
    const version = this.#db.row<{ n: number }>(
      'SELECT n FROM batch_groups JOIN versions ON versions.batch_id = batch_groups.batch_id WHERE sequence = ?',
      row.sequence,
    );
    return { ...toJudged(row), at: row.at, learntBy: version?.n ?? null };
  }

  ofQuestion(id: string, limit: number): readonly StoredGroup[] {
    const all = this.#db.rows<{ sequence: number }>(
      `SELECT verdicts.sequence FROM admissions JOIN verdicts ON verdicts.sequence = admissions.sequence
       WHERE admissions.question_id = ? ORDER BY verdicts.sequence`,
      id,
    );
    return this.#read(thinned(all, limit));
  }

  /** Oldest first. */
  #read(found: readonly { readonly sequence: number }[]): readonly StoredGroup[] {
    const sequences = JSON.stringify(found.map(({ sequence }) => sequence));
    const rows = this.#db.rows<GroupRow>(
      `${GROUP} WHERE groups.sequence IN (SELECT value FROM json_each(?)) ORDER BY groups.sequence`,
      sequences,
    );
    return rows.map((row) => ({ ...toJudged(row), at: row.at }));
  }
}

/** On the columns that the index of `SEARCH` covers. */
function conditions(filter: GroupFilter): { readonly where: readonly string[]; readonly values: readonly Value[] } {
  const { kind, origin, verdict, minShare, maxShare, text, questionId, version } = filter;
  const where: string[] = [];
  const values: Value[] = [];
  const add = (condition: string, ...its: (Value | undefined)[]) => {
    if (its.includes(undefined)) return;
    where.push(condition);
    values.push(...(its as Value[]));
  };
  add('kind = ?', kind);
  add('origin = ?', origin);
  add('share >= ?', minShare);
  add('share <= ?', maxShare);
  add('question_id = ?', questionId);
  add('policy_version = ?', version);
  if (verdict === 'kept' || verdict === 'dropped') add('kept = ?', verdict === 'kept' ? 1 : 0);
  else add('dropped = ?', verdict);
  if (text !== undefined && text !== '')
    add('question_id IN (SELECT id FROM questions WHERE instr(lower_text, ?) > 0)', text.toLowerCase());
  return { where, values };
}

/** At most `limit` of the items, evenly spaced, first and last among them. */
export function thinned<T>(items: readonly T[], limit: number): readonly T[] {
  if (items.length <= limit) return items;
  if (limit <= 1) return items.slice(0, limit);
  return Array.from({ length: limit }, (_, i) => items[Math.round((i * (items.length - 1)) / (limit - 1))]!);
}
