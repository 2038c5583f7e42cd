/**
 * The loop's measurements of its own work: the source of the metrics stored with each step and of the telemetry's
 * figures. Stages only store them.
 */
import { Subject, type Observable } from 'rxjs';
import { mean } from '../src/lib/mean.ts';
import { voteLosses, type VoteLosses } from '../src/learn/vote.ts';
import { isWriting, writingFigures } from '../src/learn/question-reward.ts';
import type { Batch, JudgedGroup, StepMetrics, WrittenQuestion } from '../src/protocol/messages.ts';
import type { ActorStatus, SignalStatus, ThroughputStatus, WritingFigures } from '../src/protocol/status.ts';
import { Meter, rates, type Side, type Totals } from './meter.ts';

/** Written questions that the figures look back on, at most. */
const MOST_WRITTEN = 65_536;
/** Steps that the rates look back on. */
const RECENT_STEPS = 10;

export interface MeasureSources {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly actors: () => readonly ActorStatus[];
  /** Judged groups that the signals look back on. */
  readonly window: number;
}

/** What earlier starts of the run measured. */
export interface Measured {
  readonly totals: Totals;
  /** `[s]`: groups learnt from at staleness s. */
  readonly stalenessHistogram: readonly number[];
}

const NO_STEP = {
  loss: null,
  kl: null,
  entropy: null,
  clipFraction: null,
  ratio: null,
  gradNorm: null,
  learningRate: null,
};
/** Metrics that only some steps have. */
const SOMETIMES = [
  'samplerGap',
  'samplerGapMax',
  'mismatch',
  'effectiveSamples',
  'maskedShare',
  'entropyCoefficient',
] as const;

export class Measures {
  readonly #sources: MeasureSources;
  readonly #meter: Meter;
  readonly #changed = new Subject<void>();
  readonly #judged: {
    readonly share: number;
    readonly reward: number;
    readonly tokens: number;
    /** Absent where no check ran. */
    readonly losses: VoteLosses | undefined;
  }[] = [];
  readonly #marks: Totals[];
  readonly #histogram: number[];
  /** Questions written for a reward since the last step that learnt from written questions. */
  #writing: readonly WrittenQuestion[] = [];
  #written: WritingFigures | undefined;
  #lastWritten: WritingFigures | undefined;
  #staleness: number | null = null;
  #step: StepMetrics | null = null;
  #version: number | undefined;

  constructor(sources: MeasureSources, before?: Measured) {
    this.#sources = sources;
    this.#meter = new Meter(sources.now, before?.totals);
    this.#marks = [this.#meter.totals()];
    this.#histogram = [...(before?.stalenessHistogram ?? [])];
  }

  /** Emits when a figure has changed. */
  get changed$(): Observable<void> {
    return this.#changed;
  }

  begin(side: Side): void {
    this.#meter.begin(side);
    this.#changed.next();
  }

  end(side: Side, done: { readonly tokens: number; readonly steps?: number }): void {
    this.#meter.end(side, done);
    this.#changed.next();
  }

  paused(isPaused: boolean): void {
    this.#meter.paused(isPaused);
  }

  judged({ group, verdict }: JudgedGroup): void {
    if (isWriting(group.question)) {
      this.#writing = [...this.#writing, ...(verdict.written ?? [])].slice(-MOST_WRITTEN);
      return;
    }
    const tokens = group.samples.map((sample) => sample.tokens.length);
    const losses = group.checks && voteLosses(verdict);
    this.#judged.push({ share: verdict.share, reward: mean(verdict.rewards), tokens: mean(tokens), losses });
    if (this.#judged.length > this.#sources.window) this.#judged.shift();
    this.#changed.next();
  }

  learnt(batch: Batch, metrics: StepMetrics | null): void {
    const ages = batch.groups.map(({ group }) => batch.parent - group.policyVersion);
    this.#staleness = Math.max(...ages);
    while (this.#histogram.length <= this.#staleness) this.#histogram.push(0);
    for (const age of ages) this.#histogram[age]! += 1;
    this.#step = metrics;
    this.#version = batch.parent + 1;
    const ofWriting = isWriting(batch.groups[0]!.group.question);
    this.#written = ofWriting ? writingFigures(this.#writing) : undefined;
    if (ofWriting) this.#writing = [];
    this.#lastWritten = this.#written ?? this.#lastWritten;
    this.#marks.push(this.#meter.totals());
    if (this.#marks.length > RECENT_STEPS + 1) this.#marks.shift();
    this.#changed.next();
  }

  /** Milliseconds since 1970. */
  get at(): number {
    return this.#sources.now();
  }

  get actors(): readonly ActorStatus[] {
    return this.#sources.actors();
  }

  /** The version that the newest step made; undefined before the first step of this process. */
  get version(): number | undefined {
    return this.#version;
  }

  /** Age of the oldest group of the newest batch. */
  get staleness(): number | null {
    return this.#staleness;
  }

  /** The written questions that the newest step learnt from; undefined where it learnt from answers. */
  get written(): WritingFigures | undefined {
    return this.#written;
  }

  /** Those of the newest step of this process that learnt from written questions. */
  get lastWritten(): WritingFigures | undefined {
    return this.#lastWritten;
  }

  /** For the next start. */
  measured(): Measured {
    return { totals: this.#meter.totals(), stalenessHistogram: [...this.#histogram] };
  }

  signals(): SignalStatus {
    const { loss, kl, entropy, clipFraction, ratio, gradNorm, learningRate } = this.#step ?? NO_STEP;
    const lately = (of: 'share' | 'reward' | 'tokens') =>
      this.#judged.length === 0 ? null : mean(this.#judged.map((group) => group[of]));
    const judged = { voteShare: lately('share'), reward: lately('reward'), responseTokens: lately('tokens') };
    const sometimes = SOMETIMES.flatMap((name) =>
      this.#step?.[name] === undefined ? [] : [[name, this.#step[name]] as const],
    );
    return {
      ...judged,
      ...lossesOf(this.#judged.flatMap(({ losses }) => losses ?? [])),
      loss,
      kl,
      entropy,
      clipFraction,
      ratio,
      gradNorm,
      learningRate,
      ...Object.fromEntries(sometimes),
    };
  }

  throughput(): ThroughputStatus {
    return rates(this.#meter.totals(), this.#marks.length > 1 ? this.#marks[0] : undefined);
  }
}

/** Shares over all groups that checks have looked at. */
function lossesOf(groups: readonly VoteLosses[]): Pick<SignalStatus, 'votesLost' | 'winnersLost'> {
  if (groups.length === 0) return {};
  const sum = (of: keyof VoteLosses): number => groups.reduce((total, losses) => total + losses[of], 0);
  const share = (lost: number, all: number): number => (all === 0 ? 0 : lost / all);
  return { votesLost: share(sum('lost'), sum('answers')), winnersLost: share(sum('winnersLost'), sum('winners')) };
}
