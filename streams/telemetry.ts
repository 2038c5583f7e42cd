/**
 * Builds the status. The stages report events; it emits coalesced snapshots. It only listens: stages see it as a
 * `Listener`, whose methods return nothing, so it can neither slow a stage nor change a result. Stages decide by the
 * record in src/store/standing.ts.
 */
import { auditTime, interval, map, merge, Observable, share, startWith, Subject, takeUntil } from 'rxjs';
import type { Evaluation } from '../src/protocol/messages.ts';
import type {
  AccuracyPoint,
  AccuracyStatus,
  CommandStatus,
  CurriculumStatus,
  GroupStatus,
  GuardianStatus,
  LabelCount,
  Phase,
  Status,
  SynthesisStatus,
  WorkerStatus,
} from '../src/protocol/status.ts';
import { labelFreeStatus, withEvaluation, type LabelFreeProgress } from './label-free.ts';
import type { Listener } from './listener.ts';
import type { Measured, Measures } from './measures.ts';
import { withPoint } from './thin.ts';

const FRAME_MILLISECONDS = 100;
const HEARTBEAT_MILLISECONDS = 1000;
const NOTES = 20;
/** A point has a number for each level; a screen shows no more points than this. */
const LEVEL_POINTS = 128;

/** The durable figures; stored with each version. */
export interface StoredFigures extends Measured {
  readonly accuracy: AccuracyStatus;
  /** Absent when every held-out question has a label. */
  readonly labelFree?: LabelFreeProgress | undefined;
  readonly restarts: number;
}

/** Constant facts of the process. */
export type ProcessFacts = Pick<Status, 'pid' | 'run' | 'model' | 'data' | 'seed' | 'startedAt' | 'stopAt'> & {
  readonly maxStaleness: number;
  /** Absent when nothing is known of them. */
  readonly labels?: LabelCount;
};

/** Sources outside the telemetry that each snapshot reads. */
export interface Sources {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly measures: Measures;
  readonly groups: () => GroupStatus;
  readonly commands?: () => readonly CommandStatus[];
  /** Absent in a run without a cluster. */
  readonly workers?: () => readonly WorkerStatus[];
  /** Stores the durable figures. */
  readonly keep: (progress: StoredFigures) => void;
}

const NO_ACCURACY: AccuracyStatus = {
  baseline: null,
  now: null,
  best: null,
  history: [],
  questions: null,
  fullBaseline: null,
  fullNow: null,
};

export class Telemetry implements Listener {
  readonly #facts: ProcessFacts;
  readonly #sources: Sources;
  readonly #changed = new Subject<void>();
  readonly #closed = new Subject<void>();
  readonly #frames: Observable<Status>;
  readonly #restartsBefore: number;
  #accuracy: AccuracyStatus;
  #labelFree: LabelFreeProgress | undefined;
  #notes: Status['notes'] = [];
  #phase: Phase = 'starting';
  #version = 0;
  #restoring = 0;
  #saved: number | null = null;
  #maxStaleness: number;
  #peakRss = 0;
  #synthesis: SynthesisStatus | undefined;
  #curriculum: CurriculumStatus | undefined;
  #guardian: GuardianStatus | undefined;
  #held: string | undefined;
  #dashboard: string | undefined;
  #error: string | undefined;
  #last: Status | undefined;

  constructor(facts: ProcessFacts, sources: Sources, before?: StoredFigures) {
    this.#facts = facts;
    this.#sources = sources;
    this.#accuracy = before?.accuracy ?? NO_ACCURACY;
    this.#labelFree = before?.labelFree;
    this.#maxStaleness = facts.maxStaleness;
    this.#restartsBefore = before?.restarts ?? 0;
    this.#frames = merge(this.#changed, sources.measures.changed$, interval(HEARTBEAT_MILLISECONDS)).pipe(
      auditTime(FRAME_MILLISECONDS),
      takeUntil(this.#closed),
      map(() => this.status()),
      share(),
    );
  }

  /**
   * The newest status, then a snapshot after each change, at most ten a second; completes at `close` with the last one.
   */
  status$(): Observable<Status> {
    return new Observable<Status>((subscriber) => {
      if (this.#last !== undefined) {
        subscriber.next(this.status());
        return subscriber.complete();
      }
      return this.#frames.pipe(startWith(this.status())).subscribe({
        next: (status) => subscriber.next(status),
        complete: () => {
          subscriber.next(this.status());
          subscriber.complete();
        },
      });
    });
  }

  /** Keeps the last status; the sources are not asked again. */
  close(): void {
    this.#last = this.status();
    this.#closed.next();
    this.#closed.unsubscribe();
  }

  phase(phase: Phase, error?: Error): void {
    this.#phase = phase;
    if (error !== undefined) this.#error = error.message;
    this.#changed.next();
  }

  dashboard(address: string): void {
    this.#dashboard = address;
    this.#changed.next();
  }

  note(text: string): void {
    this.#notes = [...this.#notes, { at: this.#sources.now(), text }].slice(-NOTES);
    this.#changed.next();
  }

  /** Call when the value of a source has changed. */
  changed(): void {
    this.#changed.next();
  }

  version(n: number): void {
    this.#version = n;
    this.#changed.next();
  }

  /** A start restores the stored versions up to `newest`. */
  restoring(newest: number): void {
    this.#restoring = newest;
    this.#changed.next();
  }

  /** The staleness bound changed. */
  bound(maxStaleness: number): void {
    this.#maxStaleness = maxStaleness;
    this.#changed.next();
  }

  synthesis(synthesis: SynthesisStatus): void {
    this.#synthesis = synthesis;
    this.#changed.next();
  }

  curriculum(curriculum: CurriculumStatus): void {
    this.#curriculum = curriculum;
    this.#changed.next();
  }

  guardian(guardian: GuardianStatus): void {
    this.#guardian = guardian;
    this.#changed.next();
  }

  /** The reason for which the loop paused itself; undefined once it continues. */
  held(why: string | undefined): void {
    this.#held = why;
    this.#changed.next();
  }

  saved(n: number): void {
    this.#saved = n;
    this.#changed.next();
  }

  evaluated(evaluation: Evaluation, isBest: boolean): void {
    this.#labelFree = withEvaluation(this.#labelFree, evaluation, this.#seconds);
    if (evaluation.greedy !== null) this.#measured({ ...evaluation, greedy: evaluation.greedy }, isBest);
    this.#changed.next();
  }

  #measured({ version, greedy, n, levels, full }: Evaluation & { readonly greedy: number }, isBest: boolean): void {
    const { baseline, best, now, history, levels: before, fullBaseline, fullNow } = this.#accuracy;
    // A version that is evaluated again, in full, keeps the time at which it was first seen to be this good.
    const seconds = history.find((other) => other.version === version)?.seconds ?? this.#seconds;
    const point: AccuracyPoint = { version, greedy, seconds };
    const newest = now === null || version >= now.version;
    const byLevel = levels === undefined ? before : withPoint(before ?? [], { version, levels }, LEVEL_POINTS);
    this.#accuracy = {
      baseline: baseline ?? (version === 0 ? point : null),
      now: newest ? point : now,
      best: isBest ? point : best,
      history: withPoint(history, point),
      ...(byLevel !== undefined && { levels: byLevel }),
      questions: n,
      fullBaseline: version === 0 ? (full ?? fullBaseline) : fullBaseline,
      fullNow: full !== undefined && newest ? full : fullNow,
    };
  }

  keep(): void {
    const [accuracy, labelFree, restarts] = [this.#accuracy, this.#labelFree, this.#restarts()];
    this.#sources.keep({ ...this.#sources.measures.measured(), accuracy, labelFree, restarts });
  }

  status(): Status {
    if (this.#last !== undefined) return this.#last;
    const { maxStaleness: _max, labels, ...facts } = this.#facts;
    const { measures } = this.#sources;
    const { totals, stalenessHistogram } = measures.measured();
    const { rss } = process.memoryUsage();
    this.#peakRss = Math.max(this.#peakRss, rss);
    const reward = measures.lastWritten === undefined ? {} : { reward: measures.lastWritten };
    const commands = this.#sources.commands?.() ?? [];
    const labelFree = labelFreeStatus(labels, this.#labelFree, this.#saved, this.#guardian);
    return {
      ...facts,
      phase: this.#phase,
      at: this.#sources.now(),
      seconds: totals.seconds,
      ...(totals.pausedSeconds === 0 ? {} : { pausedSeconds: totals.pausedSeconds }),
      version: this.#version,
      ...(measures.version === undefined ? {} : { step: measures.version }),
      ...(this.#version < this.#restoring && { restoring: this.#restoring }),
      saved: this.#saved,
      accuracy: this.#accuracy,
      ...(labelFree === undefined ? {} : { labelFree }),
      signals: measures.signals(),
      throughput: measures.throughput(),
      staleness: { max: this.#maxStaleness, now: measures.staleness, histogram: this.#padded(stalenessHistogram) },
      groups: this.#sources.groups(),
      ...(this.#held === undefined ? {} : { held: this.#held }),
      ...(this.#synthesis === undefined ? {} : { synthesis: { ...this.#synthesis, ...reward } }),
      ...(this.#curriculum === undefined ? {} : { curriculum: this.#curriculum }),
      ...(this.#guardian === undefined ? {} : { guardian: this.#guardian }),
      actors: measures.actors,
      ...(this.#sources.workers && { workers: this.#sources.workers() }),
      restarts: this.#restarts(),
      memory: { rss, peakRss: this.#peakRss },
      ...(commands.length === 0 ? {} : { commands }),
      notes: this.#notes,
      ...(this.#dashboard === undefined ? {} : { dashboard: this.#dashboard }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  get #seconds(): number {
    return this.#sources.measures.measured().totals.seconds;
  }

  #padded(histogram: readonly number[]): number[] {
    return Array.from({ length: Math.max(this.#maxStaleness + 1, histogram.length) }, (_, s) => histogram[s] ?? 0);
  }

  #restarts(): number {
    return this.#restartsBefore + this.#sources.measures.actors.reduce((sum, { restarts }) => sum + restarts, 0);
  }
}
