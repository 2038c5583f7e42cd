/** Reads groups with their question and, once judged, their verdict. */
import type { Checked, JudgedGroup, Question, RolloutGroup, Sample } from '../protocol/messages.ts';
import { unpack, unpackSamples, unpackVerdict } from './pack.ts';

export interface GroupRow {
  readonly sequence: number;
  readonly id: string;
  readonly policy_version: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly data: ArrayBuffer;
  readonly checks: ArrayBuffer | null;
  readonly question: ArrayBuffer;
  readonly verdict: ArrayBuffer;
}

/** Start of a query for `GroupRow`s. */
export const GROUP = `SELECT groups.sequence, groups.id, groups.policy_version, groups.at, groups.data, groups.checks, questions.data AS question, verdicts.data AS verdict
  FROM groups JOIN admissions USING (sequence) JOIN questions ON questions.id = admissions.question_id LEFT JOIN verdicts USING (sequence)`;

/** Unpacks the samples, four fifths of the time, only on demand: a dashboard's list needs none. */
export function toGroup(row: GroupRow): RolloutGroup {
  let samples: readonly Sample[] | undefined;
  return {
    id: row.id,
    sequence: row.sequence,
    question: unpack<Question>(row.question),
    policyVersion: row.policy_version,
    get samples() {
      return (samples ??= unpackSamples(row.data));
    },
    ...(row.checks && { checks: unpack<readonly Checked[]>(row.checks) }),
  };
}

export function toJudged(row: GroupRow): JudgedGroup {
  return { group: toGroup(row), verdict: unpackVerdict(row.verdict) };
}
