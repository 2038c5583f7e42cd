/**
 * Writes the loop's bookkeeping to SQLite: admissions, groups, verdicts, batches, versions, evaluations. The sequence
 * number of an admission is the key of all later records of it.
 */
import type { CheckFinding, Evaluation, PolicyVersion, Question, RolloutGroup, Verdict } from '../protocol/messages.ts';
import { count, counter } from './counters.ts';
import type { Database } from './database.ts';
import { packPlain, packSamples, packVerdict } from './pack.ts';
import type { Admission, BatchPlan, SetAside } from './store.ts';

/** Counters of findings, by check. */
const FINDINGS = [
  ['held', true],
  ['denied', false],
  ['abstained', null],
] as const;

export class Ledger {
  readonly #db: Database;
  readonly #now: () => number;

  constructor(db: Database, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  get nextSequence(): number {
    return counter(this.#db, 'admitted');
  }

  get nextBatchId(): number {
    return counter(this.#db, 'batches');
  }

  admit(admissions: readonly Admission[]): void {
    let next = this.nextSequence;
    for (const { sequence, question } of admissions) {
      if (sequence !== next) throw new RangeError(`admission ${sequence} is out of order: the next is ${next}`);
      this.#keep(question);
      this.#db.run(
        'INSERT INTO admissions (sequence, question_id, at) VALUES (?, ?, ?)',
        sequence,
        question.id,
        this.#now(),
      );
      next++;
    }
    count(this.#db, 'admitted', admissions.length);
  }

  #keep(question: Question): void {
    const { id, kind = null, origin, parentId = null, text } = question;
    this.#db.run(
      'INSERT INTO questions (id, data, kind, origin, parent_id, lower_text) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      id,
      packPlain(question),
      kind,
      origin,
      parentId,
      text.toLowerCase(),
    );
  }

  saveGroups(groups: readonly RolloutGroup[]): void {
    for (const group of groups) {
      const admitted = this.#db.row<{ question_id: string; sampled: number | null }>(
        'SELECT question_id, groups.sequence AS sampled FROM admissions LEFT JOIN groups USING (sequence) WHERE admissions.sequence = ?',
        group.sequence,
      );
      if (admitted?.question_id !== group.question.id) {
        throw new Error(
          `group ${group.id} answers question ${group.question.id}, which was not admitted as ${group.sequence}`,
        );
      }
      if (admitted.sampled !== null)
        throw new Error(`admission ${group.sequence} has a group already, so ${group.id} cannot be saved`);
      this.#db.run(
        'INSERT INTO groups (sequence, id, policy_version, at, data) VALUES (?, ?, ?, ?, ?)',
        group.sequence,
        group.id,
        group.policyVersion,
        this.#now(),
        packSamples(group.samples),
      );
    }
    count(this.#db, 'sampled', groups.length);
  }

  saveChecks(groups: readonly RolloutGroup[]): void {
    for (const { id, checks = [] } of groups) {
      const saved = this.#db.run('UPDATE groups SET checks = ? WHERE id = ?', packPlain(checks), id);
      if (saved !== 1) throw new Error(`there is no group ${id} to save what the checks found of`);
      for (const { check, findings } of checks) this.#countFindings(check, findings);
    }
  }

  #countFindings(check: string, findings: readonly CheckFinding[]): void {
    for (const [name, vote] of FINDINGS) {
      const found = findings.filter((finding) => finding.vote === vote).length;
      if (found > 0) count(this.#db, `${name}:${check}`, found);
    }
  }

  saveVerdicts(verdicts: readonly Verdict[]): void {
    for (const verdict of verdicts) {
      const saved = this.#db.run(
        `INSERT INTO verdicts (sequence, kept, data, share, dropped, policy_version, question_id, kind, origin)
         SELECT groups.sequence, ?, ?, ?, ?, policy_version, questions.id, kind, origin
         FROM groups JOIN admissions USING (sequence) JOIN questions ON questions.id = question_id WHERE groups.id = ?`,
        verdict.kept ? 1 : 0,
        packVerdict(verdict),
        verdict.share,
        verdict.dropped ?? null,
        verdict.groupId,
      );
      if (saved !== 1) throw new Error(`there is no group ${verdict.groupId} to save a verdict of`);
      count(this.#db, verdict.kept ? 'kept' : `dropped:${verdict.dropped ?? 'unknown'}`, 1);
      for (const [check, lost] of Object.entries(verdict.lost?.by ?? {})) count(this.#db, `lost:${check}`, lost);
    }
    count(this.#db, 'judged', verdicts.length);
  }

  /** Drops groups that were kept, some of them already learnt. */
  recount({ kept, learnt = 0 }: { readonly kept: number; readonly learnt?: number }): void {
    if (kept === 0) return;
    count(this.#db, 'kept', -kept);
    count(this.#db, 'dropped:gone', kept);
    if (learnt > 0) count(this.#db, 'learnt', -learnt);
  }

  saveBatch({ id, parent, groupIds }: BatchPlan): void {
    if (id < this.nextBatchId) return this.#confirmBatch(id, parent, groupIds);
    if (id > this.nextBatchId) throw new RangeError(`batch ${id} is out of order: the next is ${this.nextBatchId}`);
    if (groupIds.length === 0) throw new RangeError(`batch ${id} has no groups`);
    this.#db.run('INSERT INTO batches (id, parent, at) VALUES (?, ?, ?)', id, parent, this.#now());
    groupIds.forEach((groupId, position) => this.#addToBatch(id, groupId, position));
    count(this.#db, 'batches', 1);
  }

  #addToBatch(batchId: number, groupId: string, position: number): void {
    const state = this.#db.row<{ sequence: number; kept: number | null; other: number | null }>(
      `SELECT groups.sequence, kept, batch_id AS other FROM groups LEFT JOIN verdicts USING (sequence) LEFT JOIN batch_groups USING (sequence)
       WHERE groups.id = ?`,
      groupId,
    );
    if (!state) throw new Error(`batch ${batchId} names group ${groupId}, which does not exist`);
    if (state.kept !== 1)
      throw new Error(
        `batch ${batchId} names group ${groupId}, which ${state.kept === 0 ? 'was dropped' : 'has no verdict'}`,
      );
    if (state.other !== null)
      throw new Error(`batch ${batchId} names group ${groupId}, which is in batch ${state.other} already`);
    this.#db.run(
      'INSERT INTO batch_groups (sequence, batch_id, position) VALUES (?, ?, ?)',
      state.sequence,
      batchId,
      position,
    );
  }

  /** A restarted loop may save the same batch again; a different batch under the same id is an error. */
  #confirmBatch(id: number, parent: number, groupIds: readonly string[]): void {
    const batch = this.#db.row<{ parent: number }>('SELECT parent FROM batches WHERE id = ?', id);
    const saved = this.#db.rows<{ id: string }>(
      'SELECT groups.id FROM batch_groups JOIN groups USING (sequence) WHERE batch_id = ? ORDER BY position',
      id,
    );
    if (
      batch?.parent === parent &&
      saved.length === groupIds.length &&
      saved.every((group, i) => group.id === groupIds[i])
    )
      return;
    throw new Error(`batch ${id} exists already, with parent ${batch?.parent ?? 'unknown'} and ${saved.length} groups`);
  }

  saveVersion({ n, parent, batchId, metrics }: PolicyVersion): void {
    const existing = this.#db.row<{ batch_id: number | null }>('SELECT batch_id FROM versions WHERE n = ?', n);
    if (existing) {
      if (existing.batch_id === batchId) return;
      throw new Error(`version ${n} exists already, made from batch ${existing.batch_id}, not ${batchId}`);
    }
    if (batchId !== null) this.#checkParent(n, parent, batchId);
    const packed = metrics && packPlain(metrics);
    this.#db.run(
      'INSERT INTO versions (n, parent, batch_id, metrics, at) VALUES (?, ?, ?, ?, ?)',
      n,
      parent,
      batchId,
      packed,
      this.#now(),
    );
    count(this.#db, 'learnt', this.#groupsOf(batchId));
    count(this.#db, 'versions', 1);
  }

  #checkParent(n: number, parent: number | null, batchId: number): void {
    const batch = this.#db.row<{ parent: number }>('SELECT parent FROM batches WHERE id = ?', batchId);
    if (!batch) throw new Error(`version ${n} names batch ${batchId}, which was not saved before it was learnt`);
    if (batch.parent !== parent)
      throw new Error(`version ${n} has parent ${parent}, but its batch ${batchId} starts from ${batch.parent}`);
  }

  setAside({ batchId, cause, numbers }: SetAside): void {
    if (this.#db.row('SELECT 1 FROM set_aside WHERE batch_id = ?', batchId)) return;
    const version = this.#db.row<{ n: number }>('SELECT n FROM versions WHERE batch_id = ?', batchId);
    if (version) throw new Error(`batch ${batchId} cannot be set aside: version ${version.n} was made from it`);
    const packed =
      numbers &&
      JSON.stringify(numbers, (_, value: unknown) =>
        typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
      );
    this.#db.run(
      'INSERT INTO set_aside (batch_id, at, cause, numbers) VALUES (?, ?, ?, ?)',
      batchId,
      this.#now(),
      cause,
      packed,
    );
    count(this.#db, 'setAside', this.#groupsOf(batchId));
  }

  #groupsOf(batchId: number | null): number {
    return this.#db.row<{ n: number }>('SELECT count(*) AS n FROM batch_groups WHERE batch_id = ?', batchId)?.n ?? 0;
  }

  saveEvaluation(evaluation: Evaluation): void {
    this.#db.run(
      'INSERT OR REPLACE INTO evaluations (version, whole, greedy, at, data) VALUES (?, ?, ?, ?, ?)',
      evaluation.version,
      evaluation.full ? 1 : 0,
      evaluation.greedy,
      this.#now(),
      packPlain(evaluation),
    );
  }
}
