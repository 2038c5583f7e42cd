/**
 * The dashboard's reads of the store. These calls run on the loop's thread, so each is short even with 20,000 groups
 * and as many steps: they read pages through dedicated indexes (migrations.ts) and unpack samples only on demand.
 */
import type { GroupFilter, History, QuestionStats, VersionRow } from '../protocol/frames.ts';
import type { HeldOutAnswer, JudgedGroup, Question } from '../protocol/messages.ts';
import type { RejectedQuestion } from './synthetic-pool.ts';

export interface StoredEvent {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: string;
  readonly data: unknown;
}

/** A judged group; `at`: milliseconds since 1970 at which it was sampled. */
export type StoredGroup = JudgedGroup & { readonly at: number };

/** A question that the daemon wrote, and how its groups voted. */
export interface SyntheticRow {
  readonly question: Question;
  /** Null when it has none or when retention deleted it. */
  readonly parent: Question | null;
  readonly groups: number;
  readonly meanShare: number | null;
}

/** Rows after `before`, the `next` of the page before; the newest without it. */
export interface Page {
  readonly before?: number;
  readonly limit: number;
}

export interface Inspection {
  /**
   * All metrics but `at` as aligned columns over the steps `from ..= to`. Where there are more steps than `maxPoints`:
   * means over buckets of (nearly) equally many steps, each at the step and time of its last. The first call of a
   * process reads every metric; see `warmHistory`.
   */
  history(options: { readonly from?: number; readonly to?: number; readonly maxPoints: number }): History;
  /** Reads the metrics ahead of `history`, one at a time, yielding in between. */
  warmHistory(): Promise<void>;
  /** Every metric that was stored at `step`, `at` (milliseconds since 1970) among them. */
  metricRow(step: number): Readonly<Record<string, number>>;

  /** Newest first. `next` is null at the end. */
  findGroups(
    filter: GroupFilter,
    page: Page,
  ): { readonly groups: readonly StoredGroup[]; readonly next: number | null };
  /** `learntBy`: the version that learnt from it. */
  group(id: string): (StoredGroup & { readonly learntBy: number | null }) | undefined;
  /** Oldest first; more than `limit` are thinned evenly, and the first and the last stay. */
  groupsOfQuestion(id: string, limit: number): readonly StoredGroup[];

  /** Admitted questions, and held-out questions with a stored answer. */
  question(id: string): Question | undefined;
  questionStats(): QuestionStats;
  /** Questions that are not from a data set, newest first. */
  syntheticQuestions(page: Page): { readonly questions: readonly SyntheticRow[]; readonly next: number | null };
  /** Newest first: refused questions of the model, with the reason. The store keeps the newest few thousand. */
  rejectedQuestions(limit: number): readonly (RejectedQuestion & { readonly at: number })[];

  /** Newest first. `saved`: versions whose weights are on disk. */
  findVersions(page: Page & { readonly only?: 'evaluated' | 'saved'; readonly saved: ReadonlySet<number> }): {
    readonly versions: readonly VersionRow[];
    readonly next: number | null;
  };
  /** Undefined when no answers are stored. */
  answers(version: number): readonly HeldOutAnswer[] | undefined;

  /** Newest first; `kind` is an event's type. */
  eventsBefore(page: Page & { readonly kind?: string }): {
    readonly events: readonly StoredEvent[];
    readonly next: number | null;
  };
}
