/** What a stream of stages shows: what is learnt of each, how fast next to a fresh run, and what is lost later. */
import { mean } from '../lib/mean.ts';
import type { StagePoint, StageResult } from './run-stages.ts';
import { statistics, type MeanAndDeviation } from './statistics.ts';

/** Of one stage; accuracies in [0, 1], over seeds. */
export interface StageRow {
  readonly stage: string;
  /** When the stage began. */
  readonly before: MeanAndDeviation;
  /** Mean while its questions were asked: the higher, the faster it was learnt. */
  readonly during: MeanAndDeviation;
  /** When its questions ended. */
  readonly after: MeanAndDeviation;
  /** After the last stage. */
  readonly end: MeanAndDeviation;
  /** The best since the stage began, less the end. */
  readonly forgotten: MeanAndDeviation;
  /** A fresh run of the same questions alone; null without one. */
  readonly fresh: { readonly during: MeanAndDeviation; readonly after: MeanAndDeviation } | null;
}

export interface StreamTable {
  readonly seeds: number;
  readonly rows: readonly StageRow[];
}

/** @param results streams and fresh runs, each in any order. */
export function streamTable(results: readonly StageResult[]): StreamTable {
  const streams = results.filter(({ stages }) => stages.length > 1);
  const rows = (streams[0]?.stages ?? []).map((stage, i) => rowOf(stage, i, streams, results));
  return { seeds: streams.length, rows };
}

function rowOf(stage: string, i: number, streams: readonly StageResult[], results: readonly StageResult[]): StageRow {
  const of = (read: (course: Course) => number) =>
    statistics(streams.map((stream) => read(courseOf(stream, stage, i))));
  const fresh = results.filter(({ stages }) => stages.length === 1 && stages[0] === stage);
  const ofFresh = (read: (course: Course) => number) => statistics(fresh.map((run) => read(courseOf(run, stage, 0))));
  return {
    stage,
    before: of(({ before }) => before),
    during: of(({ during }) => mean(during)),
    after: of(({ during }) => during.at(-1)!),
    end: of(({ since }) => since.at(-1)!),
    forgotten: of(({ since }) => Math.max(...since) - since.at(-1)!),
    fresh:
      fresh.length === 0
        ? null
        : { during: ofFresh(({ during }) => mean(during)), after: ofFresh(({ during }) => during.at(-1)!) },
  };
}

/** Accuracies on one stage. */
interface Course {
  readonly before: number;
  /** While its questions were asked; at least one. */
  readonly during: readonly number[];
  /** From its beginning to the end of the run; at least one. */
  readonly since: readonly number[];
}

function courseOf({ points, starts }: StageResult, stage: string, i: number): Course {
  const [start, next] = [starts[i] ?? 0, starts[i + 1] ?? Infinity];
  const accuracy = ({ stages }: StagePoint): number => stages[stage] ?? 0;
  const before = points.findLast(({ version }) => version <= start) ?? points[0];
  const since = points.filter(({ version }) => version > start);
  const during = since.filter(({ version }) => version <= next);
  // A stage shorter than the time between two evaluations is read at the next one.
  const read = (some: readonly StagePoint[], other: readonly StagePoint[]) =>
    (some.length > 0 ? some : other).map(accuracy);
  const known = since.length > 0 ? since : points.slice(-1);
  return {
    before: before === undefined ? 0 : accuracy(before),
    during: read(during, known.slice(0, 1)),
    since: known.map(accuracy),
  };
}
