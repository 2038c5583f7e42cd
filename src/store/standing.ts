/**
 * The durable record of a run: the saved version, the best version, whether the base is measured. Stages, the guardian
 * and the daemon decide by this record, never by the telemetry, which only displays it.
 */
import type { Accuracy, Evaluation, LabelFree } from '../protocol/messages.ts';
import type { AccuracyStatus, LabelFreePoint, LabelFreeStatus } from '../protocol/status.ts';
import type { Store } from './store.ts';

export interface Standing {
  /** Newest version with a checkpoint for a restart; null while only the base exists. */
  readonly saved: number | null;
  /** Highest greedy accuracy; of equals, the version evaluated first. */
  readonly best: { readonly version: number; readonly greedy: number } | null;
  /** The base as measured in full with labels, or without labels; null until then. */
  readonly baseline: { readonly full: Accuracy | null; readonly labelFree: LabelFree | null } | null;
  /** Newest version with an evaluation. */
  readonly evaluated: number | null;
}

const KEY = 'loop.standing';
/** The telemetry's stored figures, for runs that predate this record. */
export const PROGRESS = 'loop.progress';

type Reader = Pick<Store, 'meta'>;
type Writer = Pick<Store, 'meta' | 'setMeta'>;

export function standing(store: Reader): Standing {
  return (store.meta(KEY) as Standing | undefined) ?? fromProgress(store.meta(PROGRESS) as OldProgress | undefined);
}

/** Call at each start. @param version of the newest whole checkpoint, which overrides the record; 0 is the base. */
export function settleStanding(store: Writer, version: number): void {
  store.setMeta(KEY, { ...standing(store), saved: version > 0 ? version : null });
}

/** Call when the checkpoint of `version` is whole on disk. */
export function markSaved(store: Writer, version: number): void {
  store.setMeta(KEY, { ...standing(store), saved: version });
}

/** Call within the transaction that stores the evaluation. */
export function markEvaluated(store: Writer, { version, greedy, full, labelFree }: Evaluation): Standing {
  const { saved, best, baseline, evaluated } = standing(store);
  const isBest = greedy !== null && (best === null || greedy > best.greedy);
  const isBaseline = version === 0 && (full !== undefined || labelFree !== undefined);
  const now: Standing = {
    saved,
    best: isBest ? { version, greedy } : best,
    baseline: isBaseline
      ? { full: full ?? baseline?.full ?? null, labelFree: baseline?.labelFree ?? labelFree ?? null }
      : baseline,
    evaluated: Math.max(version, evaluated ?? 0),
  };
  store.setMeta(KEY, now);
  return now;
}

function figuresOf({ version: _version, seconds: _seconds, ...figures }: LabelFreePoint): LabelFree {
  return figures;
}

interface OldProgress {
  readonly accuracy: Pick<AccuracyStatus, 'best' | 'now' | 'fullBaseline'>;
  readonly labelFree?: Pick<LabelFreeStatus, 'baseline' | 'now'> | undefined;
}

function fromProgress(progress: OldProgress | undefined): Standing {
  if (progress === undefined) return { saved: null, best: null, baseline: null, evaluated: null };
  const { accuracy, labelFree } = progress;
  const { best, fullBaseline: full } = accuracy;
  const base = labelFree?.baseline ?? null;
  const measured = [accuracy.now, labelFree?.now].flatMap((point) => (point ? [point.version] : []));
  return {
    saved: null,
    best: best && { version: best.version, greedy: best.greedy },
    baseline: full === null && base === null ? null : { full, labelFree: base && figuresOf(base) },
    evaluated: measured.length === 0 ? null : Math.max(...measured),
  };
}
