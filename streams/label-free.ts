/**
 * The status of a run whose held-out questions have no labels: the newest figures, their history, and the version that
 * counts as the best.
 */
import type { Evaluation } from '../src/protocol/messages.ts';
import type { GuardianStatus, LabelCount, LabelFreePoint, LabelFreeStatus } from '../src/protocol/status.ts';
import { withPoint } from './thin.ts';

/** What outlives the process. */
export type LabelFreeProgress = Pick<LabelFreeStatus, 'baseline' | 'now' | 'history'>;

const NOTHING: LabelFreeProgress = { baseline: null, now: null, history: [] };

/** @param seconds since the run first began. */
export function withEvaluation(
  before: LabelFreeProgress | undefined,
  { version, labelFree }: Evaluation,
  seconds: number,
): LabelFreeProgress | undefined {
  if (labelFree === undefined) return before;
  const { baseline, now, history } = before ?? NOTHING;
  const point: LabelFreePoint = { version, seconds, ...labelFree };
  return {
    baseline: baseline ?? (version === 0 ? point : null),
    now: now === null || version >= now.version ? point : now,
    history: withPoint(history, point),
  };
}

/** Undefined where every held-out question has a label. */
export function labelFreeStatus(
  labels: LabelCount | undefined,
  measured: LabelFreeProgress | undefined,
  saved: number | null,
  guardian: GuardianStatus | undefined,
): LabelFreeStatus | undefined {
  if (labels === undefined || isLabelled(labels)) return undefined;
  return { ...labels, ...(measured ?? NOTHING), best: bestWithoutLabels(saved, guardian) };
}

/** Whether every held-out question has a label. */
export function isLabelled({ questions, labelled }: LabelCount): boolean {
  return questions > 0 && labelled === questions;
}

/**
 * Without labels the best version is the newest one on disk while the guardian has no doubt, otherwise the newest one
 * that it trusts. Null if it trusts none. @param newest on disk.
 */
export function bestWithoutLabels(
  newest: number | null,
  guardian: Pick<GuardianStatus, 'level' | 'trusted'> | undefined,
): number | null {
  return guardian === undefined || guardian.level === 'healthy' ? newest : guardian.trusted;
}
