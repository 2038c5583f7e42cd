/** The part of the store that the dashboard reads; src/store/store.ts's Store has all of it. */
import type { EventRow, GroupFilter, History, QuestionStats, VersionRow } from '../../src/protocol/frames.ts';
import type { JudgedGroup, Question } from '../../src/protocol/messages.ts';

/** `at`: milliseconds since 1970 at which it was sampled. */
export type StoredGroup = JudgedGroup & { readonly at: number };

export interface HeldOutAnswer {
  readonly question: Question;
  readonly answer: string | null;
  readonly right: boolean;
  /** Never used for training. */
  readonly truth: string;
}

export interface DashboardStore {
  history(options: { from?: number; to?: number; maxPoints: number }): History;
  findGroups(
    filter: GroupFilter,
    options: { before?: number; limit: number },
  ): { readonly groups: readonly StoredGroup[]; readonly next: number | null };
  group(id: string): (StoredGroup & { readonly learntBy: number | null }) | undefined;
  question(id: string): Question | undefined;
  groupsOfQuestion(id: string, limit: number): readonly StoredGroup[];
  questionStats(): QuestionStats;
  syntheticQuestions(options: { before?: number; limit: number }): {
    readonly questions: readonly {
      readonly question: Question;
      readonly parent: Question | null;
      readonly groups: number;
      readonly meanShare: number | null;
    }[];
    readonly next: number | null;
  };
  findVersions(options: { before?: number; limit: number; only?: 'evaluated' | 'saved'; saved: ReadonlySet<number> }): {
    readonly versions: readonly VersionRow[];
    readonly next: number | null;
  };
  answers(version: number): readonly HeldOutAnswer[] | undefined;
  eventsBefore(options: { before?: number; limit: number; kind?: string }): { readonly events: readonly EventRow[]; readonly next: number | null };
}
