/**
 * What the loop shows of itself. The stages call in what happened; out goes one coalesced snapshot. It only listens: nothing in the loop
 * reads it, so it can neither slow a stage nor change a result.
 */
import { auditTime, interval, map, merge, Observable, share, startWith, Subject, takeUntil } from 'rxjs';
import type { Batch, Evaluation, JudgedGroup, StepMetrics } from '../src/protocol/messages.ts';
import type {
  AccuracyPoint,
  AccuracyStatus,
  ActorStatus,
  CommandStatus,
  GroupStatus,
  GuardianStatus,
  LabelCount,
  Phase,
  SignalStatus,
  Status,
  SynthesisStatus,
} from '../src/protocol/status.ts';
import { labelFreeStatus, withEvaluation, type LabelFreeProgress } from './label-free.ts';
import { Meter, rates, type Side, type Totals } from './meter.ts';
import { thin } from './thin.ts';

const FRAME_MILLISECONDS = 100;
const HEARTBEAT_MILLISECONDS = 1000;
const NOTES = 20;
/** Steps that the rates in the status look back on. */
const RECENT_STEPS = 10;

/** What outlives a sitting; stored with each version. */
export interface Progress {
  readonly totals: Totals;
  readonly stalenessHistogram: readonly number[];
  readonly accuracy: AccuracyStatus;
  /** Absent where every held-out question has a label. */
  readonly labelFree?: LabelFreeProgress | undefined;
  readonly restarts: number;
}

/** What does not change in a sitting. */
export type Sitting = Pick<Status, 'pid' | 'run' | 'model' | 'data' | 'seed' | 'startedAt' | 'stopAt'> & {
  readonly maxStaleness: number;
  /** Judged groups that the signals look back on. */
  readonly window: number;
  /** Absent where nothing is known of them. */
  readonly labels?: LabelCount;
};

/** What is asked for at each snapshot, because others know it. */
export interface Sources {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly actors: () => readonly ActorStatus[];
  readonly groups: () => GroupStatus;
  readonly commands?: () => readonly CommandStatus[];
}

const NO_ACCURACY: AccuracyStatus = { baseline: null, now: null, best: null, history: [], questions: null, fullBaseline: null, fullNow: null };

const NO_STEP = { loss: null, kl: null, entropy: null, clipFraction: null, ratio: null, gradNorm: null, learningRate: null };

export class Telemetry {
  readonly #sitting: Sitting;
  readonly #sources: Sources;
  readonly #changed = new Subject<void>();
  readonly #closed = new Subject<void>();
  readonly #frames: Observable<Status>;
  readonly #meter: Meter;
  readonly #restartsBefore: number;
  readonly #judged: { readonly share: number; readonly reward: number; readonly tokens: number }[] = [];
  readonly #marks: Totals[];
  readonly #histogram: number[];
  #accuracy: AccuracyStatus;
  #labelFree: LabelFreeProgress | undefined;
  #notes: Status['notes'] = [];
  #phase: Phase = 'starting';
  #version = 0;
  #saved: number | null = null;
  #maxStaleness: number;
  #staleness: number | null = null;
  #step: StepMetrics | null = null;
  #peakRss = 0;
  #synthesis: SynthesisStatus | undefined;
  #guardian: GuardianStatus | undefined;
  #held: string | undefined;
  #dashboard: string | undefined;
  #error: string | undefined;
  #last: Status | undefined;

  constructor(sitting: Sitting, sources: Sources, before?: Progress) {
    this.#sitting = sitting;
    this.#sources = sources;
    this.#meter = new Meter(sources.now, before?.totals);
    this.#marks = [this.#meter.totals()];
    this.#accuracy = before?.accuracy ?? NO_ACCURACY;
    this.#labelFree = before?.labelFree;
    this.#maxStaleness = sitting.maxStaleness;
    const length = Math.max(sitting.maxStaleness + 1, before?.stalenessHistogram.length ?? 0);
    this.#histogram = Array.from({ length }, (_, s) => before?.stalenessHistogram[s] ?? 0);
    this.#restartsBefore = before?.restarts ?? 0;
    this.#frames = merge(this.#changed, interval(HEARTBEAT_MILLISECONDS)).pipe(
      auditTime(FRAME_MILLISECONDS),
      takeUntil(this.#closed),
      map(() => this.status()),
      share(),
    );
  }

  /** The newest status, then a snapshot after each change, at most ten a second; completes at `close` with the last one. */
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
    this.#meter.paused(phase === 'paused');
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

  /** Something changed that a source tells. */
  changed(): void {
    this.#changed.next();
  }

  begin(side: Side): void {
    this.#meter.begin(side);
    this.#changed.next();
  }

  end(side: Side, done: { readonly tokens: number; readonly steps?: number }): void {
    this.#meter.end(side, done);
    this.#changed.next();
  }

  judged({ group, verdict }: JudgedGroup): void {
    const samples = group.samples.length;
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, samples);
    this.#judged.push({ share: verdict.share, reward: mean(verdict.rewards), tokens: mean(group.samples.map(({ tokens }) => tokens.length)) });
    if (this.#judged.length > this.#sitting.window) this.#judged.shift();
    this.#changed.next();
  }

  learnt(batch: Batch, metrics: StepMetrics | null): void {
    const ages = batch.groups.map(({ group }) => batch.parent - group.policyVersion);
    for (const age of ages) this.#histogram[age] = (this.#histogram[age] ?? 0) + 1;
    this.#staleness = Math.max(...ages);
    this.#step = metrics;
    this.#marks.push(this.#meter.totals());
    if (this.#marks.length > RECENT_STEPS + 1) this.#marks.shift();
    this.version(batch.parent + 1);
  }

  version(n: number): void {
    this.#version = n;
    this.#changed.next();
  }

  /** The staleness bound changed. */
  bound(maxStaleness: number): void {
    this.#maxStaleness = maxStaleness;
    while (this.#histogram.length <= maxStaleness) this.#histogram.push(0);
    this.#changed.next();
  }

  synthesis(synthesis: SynthesisStatus): void {
    this.#synthesis = synthesis;
    this.#changed.next();
  }

  guardian(guardian: GuardianStatus): void {
    this.#guardian = guardian;
    this.#changed.next();
  }

  /** Why the loop has paused by itself; undefined once it goes on. */
  held(why: string | undefined): void {
    this.#held = why;
    this.#changed.next();
  }

  saved(n: number): void {
    this.#saved = n;
    this.#changed.next();
  }

  evaluated(evaluation: Evaluation): void {
    this.#labelFree = withEvaluation(this.#labelFree, evaluation, this.#meter.totals().seconds);
    if (evaluation.greedy !== null) this.#measured({ ...evaluation, greedy: evaluation.greedy });
    this.#changed.next();
  }

  #measured({ version, greedy, n, full }: Evaluation & { readonly greedy: number }): void {
    const { baseline, best, now, history, fullBaseline, fullNow } = this.#accuracy;
    // A version that is evaluated again, in full, keeps the time at which it was first seen to be this good.
    const seconds = history.find((other) => other.version === version)?.seconds ?? this.#meter.totals().seconds;
    const point: AccuracyPoint = { version, greedy, seconds };
    const newest = now === null || version >= now.version;
    this.#accuracy = {
      baseline: baseline ?? (version === 0 ? point : null),
      now: newest ? point : now,
      best: best === null || greedy > best.greedy ? point : best,
      history: thin([...history.filter((other) => other.version !== version), point].toSorted((a, b) => a.version - b.version)),
      questions: n,
      fullBaseline: version === 0 ? (full ?? fullBaseline) : fullBaseline,
      fullNow: full !== undefined && newest ? full : fullNow,
    };
  }

  /** Whether the base was measured, with labels or without. */
  get hasBaseline(): boolean {
    return this.#accuracy.fullBaseline !== null || (this.#labelFree?.baseline ?? null) !== null;
  }

  progress(): Progress {
    const [accuracy, labelFree, restarts] = [this.#accuracy, this.#labelFree, this.#restarts()];
    return { totals: this.#meter.totals(), stalenessHistogram: this.#histogram, accuracy, labelFree, restarts };
  }

  status(): Status {
    if (this.#last !== undefined) return this.#last;
    const { maxStaleness: _max, window: _, labels, ...sitting } = this.#sitting;
    const totals = this.#meter.totals();
    const { rss } = process.memoryUsage();
    this.#peakRss = Math.max(this.#peakRss, rss);
    const commands = this.#sources.commands?.() ?? [];
    const labelFree = labelFreeStatus(labels, this.#labelFree, this.#saved, this.#guardian);
    return {
      ...sitting,
      phase: this.#phase,
      at: this.#sources.now(),
      seconds: totals.seconds,
      ...(totals.pausedSeconds === 0 ? {} : { pausedSeconds: totals.pausedSeconds }),
      version: this.#version,
      saved: this.#saved,
      accuracy: this.#accuracy,
      ...(labelFree === undefined ? {} : { labelFree }),
      signals: this.#signals(),
      throughput: rates(totals, this.#marks.length > 1 ? this.#marks[0] : undefined),
      staleness: { max: this.#maxStaleness, now: this.#staleness, histogram: [...this.#histogram] },
      groups: this.#sources.groups(),
      ...(this.#held === undefined ? {} : { held: this.#held }),
      ...(this.#synthesis === undefined ? {} : { synthesis: this.#synthesis }),
      ...(this.#guardian === undefined ? {} : { guardian: this.#guardian }),
      actors: this.#sources.actors(),
      restarts: this.#restarts(),
      memory: { rss, peakRss: this.#peakRss },
      ...(commands.length === 0 ? {} : { commands }),
      notes: this.#notes,
      ...(this.#dashboard === undefined ? {} : { dashboard: this.#dashboard }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  #restarts(): number {
    return this.#restartsBefore + this.#sources.actors().reduce((sum, { restarts }) => sum + restarts, 0);
  }

  #signals(): SignalStatus {
    const mean = (of: 'share' | 'reward' | 'tokens') =>
      this.#judged.length === 0 ? null : this.#judged.reduce((sum, group) => sum + group[of], 0) / this.#judged.length;
    const { loss, kl, entropy, clipFraction, ratio, gradNorm, learningRate } = this.#step ?? NO_STEP;
    const step = { loss, kl, entropy, clipFraction, ratio, gradNorm, learningRate };
    return { voteShare: mean('share'), reward: mean('reward'), responseTokens: mean('tokens'), ...step };
  }
}
