/**
 * The store is the loop's memory: its writes survive SIGKILL and, for methods marked durable, a power cut. Each stage
 * writes here before the next one acts, so that a restarted daemon finds exactly the work that was in hand
 * (`unfinished`, `batchesSince`). Calls are synchronous; one call is one transaction. Nothing here knows tensors,
 * streams or actors.
 */
import type { ArmRow, Remembered } from '../protocol/curriculum.ts';
import type {
  Batch,
  DropReason,
  Evaluation,
  HeldOutAnswer,
  JudgedGroup,
  PolicyVersion,
  Question,
  RolloutGroup,
  StepMetrics,
  Verdict,
} from '../protocol/messages.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { CheckCounts } from '../protocol/status.ts';
import type { Chain } from './chain.ts';
import type { CurriculumChange } from './curriculum-rows.ts';
import type { DataPart, DataRow } from './data-rows.ts';
import type { Inspection, StoredEvent } from './inspection.ts';
import type { PooledQuestion, PoolChange, SyntheticCounts } from './synthetic-pool.ts';

export type { DataPart, DataRow } from './data-rows.ts';
export type { StoredEvent, StoredGroup } from './inspection.ts';

/**
 * A question with its place in the admission order. The same question may be admitted again later, under another
 * sequence number.
 */
export interface Admission {
  readonly sequence: number;
  readonly question: Question;
}

/** A batch before learning: `groupIds` in the order of learning. */
export interface BatchPlan {
  readonly id: number;
  readonly parent: number;
  readonly groupIds: readonly string[];
}

/** A batch that the learner could not take, or whose step was not sound: never learnt from, kept for inspection. */
export interface SetAside {
  readonly batchId: number;
  readonly cause: string;
  /** The step's metrics; null when it did not get that far. */
  readonly numbers: StepMetrics | null;
}

export interface StoredSetAside extends SetAside {
  /** Version that the step would have started from. */
  readonly parent: number;
  /** In the order of the batch; empty once retention has deleted them. */
  readonly groupIds: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Work that a stopped or killed daemon left behind, each list in the order in which it must continue. */
export interface Unfinished {
  /** Admitted, not sampled. By sequence. */
  readonly unsampled: readonly Admission[];
  /** Sampled, no verdict. By sequence. */
  readonly unjudged: readonly RolloutGroup[];
  /** Kept by its verdict, in no batch. By sequence. */
  readonly unbatched: readonly JudgedGroup[];
  /** Batches whose version was not saved, without those that are set aside. By parent; at most one in a healthy run. */
  readonly unlearnt: readonly Batch[];
}

export interface Counts {
  readonly admitted: number;
  /** Groups. */
  readonly sampled: number;
  readonly judged: number;
  readonly kept: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** By the check's name. */
  readonly checks: Readonly<Record<string, CheckCounts>>;
  /** Groups in batches whose version is saved. */
  readonly learnt: number;
  /** Groups in batches that are set aside. */
  readonly setAside: number;
  readonly batches: number;
  readonly versions: number;
}

export interface MetricPoint {
  readonly step: number;
  readonly value: number;
}

export interface StoredVersion extends PolicyVersion {
  readonly savedAt: number;
}

export interface StoredEvaluation extends Evaluation {
  readonly savedAt: number;
}

/** Bounds that the store enforces while running. They never delete data for a replay or for unfinished work. */
export interface Retention {
  readonly maxGroups: number;
  readonly maxDays: number;
  readonly maxEvents: number;
  /**
   * Points per metric; above it the older half is thinned to every second point, so the whole history stays visible.
   */
  readonly maxMetricPoints: number;
  /** Version rows (with their metrics) and evaluations; the best evaluation always stays. */
  readonly maxVersions: number;
  /** Versions whose answers to held-out questions stay, in addition to version 0 and the best version. */
  readonly maxAnswerVersions: number;
}

/** How far an exporter has come. */
export interface ExportCursor {
  /** Newest version that it took; 0 before the first. */
  readonly version: number;
  /** Number of the newest evaluation that it took. */
  readonly evaluation: number;
}

export interface ExportRecords {
  readonly records: readonly LoopEvent[];
  readonly next: ExportCursor;
}

export interface Store extends Inspection, Disposable {
  /** Durable. Sequence numbers count up from 0 and must continue from `nextSequence` without a gap. */
  admit(admissions: readonly Admission[]): void;
  /** The question that was admitted under an id. */
  admitted(id: string): Question | undefined;
  /** First sequence number not yet admitted: the questioner's cursor. */
  readonly nextSequence: number;

  /** Durable, all or none. Each group's sequence must have been admitted and have no group yet. */
  saveGroups(groups: readonly RolloutGroup[]): void;
  /** What the checks found of stored groups, before their verdict. */
  saveChecks(groups: readonly RolloutGroup[]): void;
  saveVerdicts(verdicts: readonly Verdict[]): void;
  /**
   * Durable. Call before learning. @throws when a group is in another batch already, or was not kept, or `(parent, id)`
   * exists with other groups.
   */
  saveBatch(batch: BatchPlan): void;
  /** Id of the next batch; ids count up from 0. */
  readonly nextBatchId: number;
  /**
   * Durable. Call after learning. Saving the same version for the same batch again (a replay) changes nothing. @throws
   * when `n` exists with another batch.
   */
  saveVersion(version: PolicyVersion): void;
  /**
   * Durable and idempotent: sets a batch aside. @throws when a version was learnt from it, or there is no such batch.
   */
  setAside(batch: SetAside): void;
  /** Newest first. */
  batchesSetAside(limit: number): readonly StoredSetAside[];
  saveEvaluation(evaluation: Evaluation): void;
  /** Stores a version's greedy answers to held-out questions; newer answers replace older ones. */
  saveAnswers(version: number, answers: readonly HeldOutAnswer[]): void;

  /** The work that a restart continues after replaying the batches since the loaded checkpoint. */
  unfinished(): Unfinished;
  /**
   * Whole batches with `parent >= version` in order, without batches set aside: learning them again leads from
   * checkpoint `version` to the newest state.
   */
  batchesSince(version: number): readonly Batch[];
  /** The chain of versions and batches, for the checks at a start. */
  chain(): Chain;
  /**
   * Sets the oldest version that a restart may replay from; older groups may be deleted. Call after each kept
   * checkpoint.
   */
  setReplayFloor(version: number): void;

  latestVersion(): StoredVersion | undefined;
  /** Newest first. */
  versions(limit: number): readonly StoredVersion[];
  /** Oldest first. */
  evaluations(): readonly StoredEvaluation[];
  /** Highest greedy accuracy, full evaluations before quick ones of the same value, then the earlier version. */
  bestEvaluation(): StoredEvaluation | undefined;
  /** Newest first, for status and dashboards. */
  judgedGroups(limit: number, beforeSequence?: number): readonly JudgedGroup[];
  counts(): Counts;

  metric(name: string, step: number, value: number): void;
  /** Oldest first, at most `maxPoints` (default 500): longer series are averaged in buckets of equal count. */
  series(name: string, maxPoints?: number): readonly MetricPoint[];
  metricNames(): readonly string[];
  event(type: string, data?: unknown): void;
  /** Newest first. */
  events(limit: number, type?: string): readonly StoredEvent[];

  /** Small named JSON values: seed, config hash, actors' own state. Durable. */
  setMeta(key: string, value: unknown): void;
  meta(key: string): unknown;

  /** The rows of the data as each start found them. */
  dataRows(part: DataPart): readonly DataRow[];
  saveDataRows(part: DataPart, rows: readonly DataRow[]): void;
  /** Stored questions of the data: admitted, or from evaluations. */
  dataQuestions(part: 'train' | 'held-out'): readonly Question[];
  /** Stores the present place of a stored question's pictures. */
  moveQuestion(question: Question): void;
  /** Durable. Drops work in hand on questions that are gone, and what the curriculum remembers of them; returns the counts of groups and admissions. */
  withdraw(isGone: (question: Question) => boolean): number;
  /** Durable. Drops groups learnt after `version`, from steps that must be learnt again; a batch may end up empty. */
  withdrawLearnt(version: number, isGone: (question: Question) => boolean): number;

  /**
   * Runs several of the calls above as one transaction, all or none, with one disk flush. `work` must be synchronous.
   */
  transaction<T>(work: () => T): T;

  /** Synthetic questions that wait to be asked, oldest first. */
  pool(): readonly PooledQuestion[];
  /** Durable. */
  changePool(change: PoolChange): void;
  syntheticCounts(): SyntheticCounts;

  /** What the curriculum remembers, questions in the order in which they were asked last. */
  curriculum(): { readonly questions: readonly Remembered[]; readonly arms: readonly ArmRow[] };
  curriculumQuestion(id: string): Question | undefined;
  /** Durable. */
  changeCurriculum(change: CurriculumChange): void;
  /** Durable. */
  clearCurriculum(): void;

  /**
   * The records after `cursor`: at most `versions` versions with their groups and as many evaluations; empty when there
   * is nothing new.
   */
  exportPage(cursor: ExportCursor, versions: number): ExportRecords;
  /** The cursor of an exporter that has taken everything. */
  exportEnd(): ExportCursor;
  /**
   * Versions, each with the evaluations of it, since `cursor`, without groups; of more than `most` records the newest.
   */
  storedSince(cursor: ExportCursor, most: number): ExportRecords;

  /**
   * Deletes what the bounds allow; the store calls it every few hundred writes. Returns the count of deleted groups.
   */
  enforceRetention(): number;
  close(): void;
}
