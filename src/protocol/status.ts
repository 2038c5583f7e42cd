/**
 * What a running daemon says about itself. Producer: streams/telemetry.ts. Consumers: the terminal view, `quorum
 * status`, the report. Plain JSON; every number that has not been seen yet is null, never 0.
 */
import type { Accuracy, DropReason, LabelFree, RefusedQuestion } from './messages.ts';

/** STARTING -> BASELINE -> RUNNING <-> PAUSED -> STOPPING (step in hand) -> DRAINING (saving) -> STOPPED. */
export type Phase = 'starting' | 'baseline' | 'running' | 'paused' | 'stopping' | 'draining' | 'stopped' | 'failed';

/** `parked`: a plug-in's, past its restart budget; the loop continues without it. */
export type ActorState = 'opening' | 'idle' | 'working' | 'waiting' | 'failed' | 'parked' | 'stopped';

export interface ActorStatus {
  /** Unique: `sampler-1`. */
  readonly id: string;
  readonly role: string;
  readonly state: ActorState;
  /** What it does or waits for, in words: `sampling 8 questions with version 12`, `waiting for a credit`. */
  readonly doing: string;
  /** Milliseconds since 1970 at which `doing` began. */
  readonly since: number;
  /** Milliseconds since 1970 at which what it does last showed progress, where it shows any. */
  readonly progressAt?: number;
  readonly restarts: number;
  /** Why it last failed. */
  readonly error?: string;
  /** Items finished since the process started: jobs, steps, evaluations. */
  readonly items: number;
  /** Items a second over the last minute. */
  readonly itemsPerSecond: number;
  /** Share of the last minute in which it worked, in [0, 1]. */
  readonly busy: number;
  /** What waits for it, where it has a queue. */
  readonly queue: { readonly name: string; readonly size: number; readonly bound: number } | null;
}

export interface AccuracyPoint {
  readonly version: number;
  /** Greedy accuracy in [0, 1]. */
  readonly greedy: number;
  /** Seconds since the run first began, stops not counted. */
  readonly seconds: number;
}

export interface AccuracyStatus {
  readonly baseline: AccuracyPoint | null;
  readonly now: AccuracyPoint | null;
  readonly best: AccuracyPoint | null;
  /** Oldest first; thinned when long, first and last kept. */
  readonly history: readonly AccuracyPoint[];
  /** Held-out questions in each point. */
  readonly questions: number | null;
  readonly fullBaseline: Accuracy | null;
  readonly fullNow: Accuracy | null;
}

/** How many of the held-out questions have a label. */
export interface LabelCount {
  readonly questions: number;
  readonly labelled: number;
}

export interface LabelFreePoint extends LabelFree {
  readonly version: number;
  /** Seconds since the run first began, stops not counted. */
  readonly seconds: number;
}

/** What can be said of a run without labels. */
export interface LabelFreeStatus extends LabelCount {
  readonly baseline: LabelFreePoint | null;
  readonly now: LabelFreePoint | null;
  /** Oldest first; thinned when long, first and last kept. */
  readonly history: readonly LabelFreePoint[];
  /**
   * The version that counts as the best: the newest one on disk, or where the guardian is in doubt the one that it
   * trusts.
   */
  readonly best: number | null;
}

/** Of the newest learner step, and of the groups judged lately. */
export interface SignalStatus {
  /** Mean vote share of the groups judged lately, dropped ones included. */
  readonly voteShare: number | null;
  /** Mean reward of the samples judged lately. */
  readonly reward: number | null;
  /** Mean response length of the groups judged lately, tokens. */
  readonly responseTokens: number | null;
  readonly loss: number | null;
  readonly kl: number | null;
  readonly entropy: number | null;
  readonly clipFraction: number | null;
  readonly ratio: number | null;
  readonly gradNorm: number | null;
  readonly learningRate: number | null;
  /** The next four as in `StepMetrics`: absent where the newest step has none. */
  readonly mismatch?: number;
  readonly effectiveSamples?: number;
  readonly maskedShare?: number;
  readonly entropyCoefficient?: number;
}

export interface ThroughputStatus {
  /** New tokens a second while sampling: tokens over the time in which at least one sampler worked. */
  readonly rolloutTokensPerSecond: number | null;
  /** Response tokens a second while learning. */
  readonly learnerTokensPerSecond: number | null;
  readonly stepsPerMinute: number | null;
  readonly secondsPerStep: number | null;
  /** Share of the learner's working time in which at least one sampler worked too; 0 when synchronous. */
  readonly overlap: number | null;
}

export interface StalenessStatus {
  readonly max: number;
  /** Oldest group of the newest batch: its batch's parent version - its own version. */
  readonly now: number | null;
  /** `histogram[s]`: groups learnt from at staleness s; at least `max + 1` entries. */
  readonly histogram: readonly number[];
}

export interface GroupStatus {
  readonly admitted: number;
  readonly sampled: number;
  readonly kept: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  readonly learnt: number;
  /** In batches that the learner could not take, or whose step was not sound; absent without any. */
  readonly setAside?: number;
  /** Admitted and not yet judged. */
  readonly inFlight: number;
  /** Kept and not yet learnt from. */
  readonly waiting: number;
  /** Groups that may be admitted before the staleness bound stops admissions. */
  readonly credits: number;
}

/** Questions that the model wrote, since the run began. */
export interface SynthesisStatus {
  readonly written: number;
  /** Those that came into the pool. */
  readonly accepted: number;
  /** By reason: what kept a question out of the pool, or, once it was asked, why its vote taught nothing. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Questions in the pool now, those being asked among them. */
  readonly pool: number;
  /** Share of the questions asked that is to be synthetic now. */
  readonly share: number;
}

/** What watches for a collapse says. */
export interface GuardianStatus {
  /** `hold`: learning is paused until a user resumes it. */
  readonly level: 'healthy' | 'watch' | 'act' | 'hold';
  /** Version at which the level was reached. */
  readonly since: number;
  /** In words; empty where there is no cause for doubt. */
  readonly why: string;
  /** Newest version on disk that was followed by health: where a roll-back would lead. */
  readonly trusted: number | null;
  /** Roll-backs that still count. */
  readonly tries: number;
  /** What the newest probe of the canaries showed, shares in [0, 1]; absent before the first. */
  readonly canaries?: {
    /** Of those that the base, and the last trusted version, was sure of: share answered alike. */
    readonly asBase: number | null;
    readonly asTrusted: number | null;
    /** Share of answers that a harmless change of the picture leaves as they are. */
    readonly consistency: number | null;
  };
}

/** A command that was accepted and is not done. */
export interface CommandStatus {
  readonly type: string;
  /** `evaluate in full`. */
  readonly text: string;
  readonly author: string;
  /** Milliseconds since 1970 at which it was accepted. */
  readonly since: number;
  /** What must end before it begins or is done: `the step in hand`; null when it waits for nothing else. */
  readonly behind: string | null;
}

export interface Status {
  readonly phase: Phase;
  readonly pid: number;
  readonly run: string;
  readonly model: string;
  readonly data: string;
  readonly seed: number;
  /** Milliseconds since 1970 at which this process started. */
  readonly startedAt: number;
  /** Milliseconds since 1970 of this snapshot. */
  readonly at: number;
  /** Seconds this run has been up, earlier processes included. */
  readonly seconds: number;
  /** Of these, seconds in which it was paused; absent where it never was. */
  readonly pausedSeconds?: number;
  /** Newest policy version; versions count learner steps. */
  readonly version: number;
  /** Version at which the daemon stops by itself. */
  readonly stopAt: number | null;
  /** Version of the newest checkpoint. */
  readonly saved: number | null;
  readonly accuracy: AccuracyStatus;
  /** Absent where every held-out question has a label. */
  readonly labelFree?: LabelFreeStatus;
  readonly signals: SignalStatus;
  readonly throughput: ThroughputStatus;
  readonly staleness: StalenessStatus;
  readonly groups: GroupStatus;
  /** Why the loop has paused by itself, until a resume; absent where it has not. */
  readonly held?: string;
  /** Absent where the model writes no questions. */
  readonly synthesis?: SynthesisStatus;
  /** Absent where nothing watches. */
  readonly guardian?: GuardianStatus;
  readonly actors: readonly ActorStatus[];
  readonly restarts: number;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly peakRss: number };
  /** In the order in which they were accepted; absent without any. */
  readonly commands?: readonly CommandStatus[];
  /** Newest last, at most 20: what a watcher should know (an empty batch, a restart, a checkpoint). */
  readonly notes: readonly { readonly at: number; readonly text: string }[];
  /** Address of the dashboard, where there is one. */
  readonly dashboard?: string;
  readonly error?: string;
}

/** What `quorum start --report FILE` writes. */
export interface Report {
  readonly model: string;
  readonly data: string;
  readonly seed: number;
  /** Learner steps of the run, earlier processes included. */
  readonly steps: number;
  readonly wallSeconds: number;
  /** Of these, seconds in which the run was paused; absent where it never was. */
  readonly pausedSeconds?: number;
  readonly baseline: Accuracy | null;
  readonly final: Accuracy | null;
  readonly best: { readonly version: number; readonly accuracy: Accuracy } | null;
  readonly history: readonly AccuracyPoint[];
  /** Absent where every held-out question has a label. */
  readonly labelFree?: LabelFreeStatus;
  readonly throughput: ThroughputStatus;
  readonly staleness: { readonly max: number; readonly histogram: readonly number[] };
  readonly groups: {
    readonly sampled: number;
    readonly kept: number;
    readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
    /** In batches that were set aside; absent without any. */
    readonly setAside?: number;
  };
  /** Questions that could not be asked and were left out, at most 100. */
  readonly refused: readonly RefusedQuestion[];
  readonly restarts: number;
  readonly memory: { readonly peakRssBytes: number };
  /** The version in `folder`: older than `steps` where a disk refused the last checkpoint; null without one. */
  readonly saved: number | null;
  /**
   * Folder of the newest checkpoint, and of the best version (without labels: of `labelFree.best`) where it is kept.
   */
  readonly folder: string;
  readonly bestFolder: string | null;
  /**
   * Present when the run folder or its database was gone at the end: a start does not continue from there. `error` says
   * what is left.
   */
  readonly lost?: true;
  /**
   * `steps`: the asked number is done; `condition`: `loop.stopWhen` holds; `plugin`: a plug-in asked for the end;
   * `stopped`: told to; `failed`: a part failed past its budget.
   */
  readonly end: 'steps' | 'condition' | 'plugin' | 'stopped' | 'failed';
  /** With `condition` and `plugin`: why, in words. */
  readonly reason?: string;
  readonly error?: string;
}
