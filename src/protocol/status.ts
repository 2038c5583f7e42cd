/**
 * The status of a running daemon. Producer: streams/telemetry.ts. Consumers: the terminal view, `quorum status`, the
 * report. Plain JSON; a number without a value yet is null, never 0.
 */
import type { Accuracy, DropReason, LabelFree, RefusedQuestion } from './messages.ts';

/** STARTING -> BASELINE -> RUNNING <-> PAUSED -> STOPPING (step in hand) -> DRAINING (saving) -> STOPPED. */
export type Phase = 'starting' | 'baseline' | 'running' | 'paused' | 'stopping' | 'draining' | 'stopped' | 'failed';

/** `parked`: a plug-in's actor past its restart budget; the loop continues without it. */
export type ActorState = 'opening' | 'idle' | 'working' | 'waiting' | 'failed' | 'parked' | 'stopped';

export interface ActorStatus {
  /** Unique: `sampler-1`. */
  readonly id: string;
  readonly role: string;
  readonly state: ActorState;
  /** What the actor does or waits for: `sampling 8 questions with version 12: token 30 of 64`, `waiting for a credit`. */
  readonly doing: string;
  /** Milliseconds since 1970 at which `doing` began. */
  readonly since: number;
  /** Milliseconds since 1970 of the last sign of progress; absent for work that shows none. */
  readonly progressAt?: number;
  readonly restarts: number;
  /** Message of its last failure. */
  readonly error?: string;
  /** Items finished since the process started: jobs, steps, evaluations. */
  readonly items: number;
  /** Items a second over the last minute. */
  readonly itemsPerSecond: number;
  /** Share of the last minute in which it worked, in [0, 1]. */
  readonly busy: number;
  /** Length of its queue; absent for an actor without one. */
  readonly queue: { readonly name: string; readonly size: number; readonly bound: number } | null;
}

export interface AccuracyPoint {
  readonly version: number;
  /** Greedy accuracy in [0, 1]. */
  readonly greedy: number;
  /** Seconds since the run first began, stops not counted. */
  readonly seconds: number;
}

export interface LevelPoint {
  readonly version: number;
  /** Greedy accuracy in [0, 1] by level. */
  readonly levels: Readonly<Record<string, number>>;
}

export interface AccuracyStatus {
  readonly baseline: AccuracyPoint | null;
  readonly now: AccuracyPoint | null;
  readonly best: AccuracyPoint | null;
  /** Oldest first; thinned when long, first and last kept. */
  readonly history: readonly AccuracyPoint[];
  /** Where the held-out questions have levels: as `history`, with fewer points. */
  readonly levels?: readonly LevelPoint[];
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

/** The figures of a run without labels. */
export interface LabelFreeStatus extends LabelCount {
  readonly baseline: LabelFreePoint | null;
  readonly now: LabelFreePoint | null;
  /** Oldest first; thinned when long, first and last kept. */
  readonly history: readonly LabelFreePoint[];
  /**
   * The version that counts as the best: the newest one on disk, or, while the guardian doubts, the one that it trusts.
   */
  readonly best: number | null;
}

/** Of the newest learner step, and of the groups judged lately. */
export interface SignalStatus {
  /** Mean vote share of the groups judged lately, dropped ones included. */
  readonly voteShare: number | null;
  /** Share of the answers judged lately that lost their vote to a check; absent where no check ran. */
  readonly votesLost?: number;
  /**
   * The same among the answers that agree with the winner as it was before the checks: agreement whose work does not
   * hold.
   */
  readonly winnersLost?: number;
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
  /** The next ones are as in `StepMetrics`: absent when the newest step has none. */
  readonly samplerGap?: number;
  readonly samplerGapMax?: number;
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

/** What one check found since the run began. Unit: responses. */
export interface CheckCounts {
  readonly held: number;
  readonly denied: number;
  /** It found nothing to check, or was parked. */
  readonly abstained: number;
  /** Responses with an answer that lost their vote to it; those that an earlier check denies are not counted again. */
  readonly lost: number;
}

export interface GroupStatus {
  readonly admitted: number;
  readonly sampled: number;
  readonly kept: number;
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
  /** By the check's name; absent in a run without checks. */
  readonly checks?: Readonly<Record<string, CheckCounts>>;
  readonly learnt: number;
  /** Groups in batches that the learner could not take or whose step was not sound; absent when there are none. */
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
  /** Questions that entered the pool. */
  readonly accepted: number;
  /** Count by reason: what kept a question out of the pool or, once asked, why its vote taught nothing. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Questions in the pool now, including those being asked. */
  readonly pool: number;
  /** Share of the questions asked that is to be synthetic now. */
  readonly share: number;
  /** The last step that learnt from written questions; absent before the first one of this start. */
  readonly reward?: WritingFigures;
}

/** Means over the questions that the model wrote for one step (`synthesis.reward`), all in [0, 1] except `kinds`. */
export interface WritingFigures {
  readonly reward: number;
  /** Share of the questions that could be asked. */
  readonly usable: number;
  /** Vote share on these; null where there were none. */
  readonly agreement: number | null;
  /** Share of the questions whose votes the loop would learn from. */
  readonly split: number;
  readonly novelty: number;
  /** exp(entropy) of the kinds of the usable questions: so many kinds, were all equally frequent. */
  readonly kinds: number;
}

/** What the curriculum knows of the questions that it has read. */
export interface CurriculumStatus {
  /** Questions by their last group: none yet, learnt from, all agreed, without a trusted vote. */
  readonly fresh: number;
  readonly split: number;
  readonly known: number;
  readonly lost: number;
  /** Share of the questions chosen last whose groups are expected to be learnt from; null before the first choice. */
  readonly expected: number | null;
  /** Number of clusters of questions. */
  readonly clusters: number;
  /** Why there is nothing to choose among, as a sentence; absent where there is. */
  readonly nothing?: string;
  /** The most asked clusters. */
  readonly most: readonly ClusterStatus[];
}

/** A cluster of questions: one kind of question about pictures that look alike. */
export interface ClusterStatus {
  readonly name: string;
  readonly questions: number;
  /** Groups judged, and kept ones among them. */
  readonly asked: number;
  readonly kept: number;
  /** Questions that were known, twice in a row at least. */
  readonly retired: number;
  /** Groups of retired questions that were asked again, and kept ones among them: forgotten ones. */
  readonly returned: number;
  readonly forgotten: number;
}

/** The guardian's judgement. */
export interface GuardianStatus {
  /** `hold`: learning is paused until a user resumes it. */
  readonly level: 'healthy' | 'watch' | 'act' | 'hold';
  /** Version at which the level was reached. */
  readonly since: number;
  /** The reason in a sentence; empty without cause for doubt. */
  readonly why: string;
  /** Newest version on disk with healthy steps after it: the target of a roll-back. */
  readonly trusted: number | null;
  /** Roll-backs that still count. */
  readonly tries: number;
  /** The newest probe of the canaries, shares in [0, 1]; absent before the first. */
  readonly canaries?: {
    /** Of the canaries that the base (or the last trusted version) was sure of: share with the same answer now. */
    readonly asBase: number | null;
    readonly asTrusted: number | null;
    /** Share of answers that a harmless change of the picture leaves as they are. */
    readonly consistency: number | null;
  };
}

/** A process on any machine that samples for this daemon. */
export interface WorkerStatus {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly devices: readonly string[];
  readonly roles: readonly string[];
  /** Version that it worked with last; null before that. */
  readonly version: number | null;
  /** Jobs and passes that it has in hand. */
  readonly holds: number;
  /** Groups that were taken from it. */
  readonly groups: number;
  /** Passes of the learner whose gradients were taken from it. */
  readonly passes: number;
  /** Over the last minute. */
  readonly groupsPerSecond: number;
  /** Over NATS and HTTP since its start. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Milliseconds since 1970 of its last heartbeat. */
  readonly at: number;
  /** `opening`: it loads the model; `parked`: nothing more is taken from it; `left`: it ended, or fell silent. */
  readonly state: 'opening' | 'working' | 'draining' | 'parked' | 'left';
  /** Why it is parked. */
  readonly why?: string;
}

/** An accepted command that is not done. */
export interface CommandStatus {
  readonly type: string;
  /** `evaluate in full`. */
  readonly text: string;
  readonly author: string;
  /** Milliseconds since 1970 at which it was accepted. */
  readonly since: number;
  /** What it waits for: `the step in hand`; null when it waits for nothing else. */
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
  /** The version that the newest step of this start made; absent before the first. */
  readonly step?: number;
  /** Newest stored version, while a start restores those after the checkpoint from their batches; absent otherwise. */
  readonly restoring?: number;
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
  /** Why the loop paused itself, until a resume; absent otherwise. */
  readonly held?: string;
  /** Absent where the model writes no questions. */
  readonly synthesis?: SynthesisStatus;
  /** Absent where the curriculum is off. */
  readonly curriculum?: CurriculumStatus;
  /** Absent when `guardian.mode` is `off`. */
  readonly guardian?: GuardianStatus;
  readonly actors: readonly ActorStatus[];
  /** In the order in which they joined; absent in a run without `cluster.nats`. */
  readonly workers?: readonly WorkerStatus[];
  readonly restarts: number;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly peakRss: number };
  /** In order of acceptance; absent when there are none. */
  readonly commands?: readonly CommandStatus[];
  /** Newest last, at most 20: events that a user should see (an empty batch, a restart, a checkpoint). */
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
  /** As in the status: absent where the held-out questions have no levels. */
  readonly levels?: readonly LevelPoint[];
  /** Absent where every held-out question has a label. */
  readonly labelFree?: LabelFreeStatus;
  readonly throughput: ThroughputStatus;
  readonly staleness: { readonly max: number; readonly histogram: readonly number[] };
  readonly groups: {
    readonly sampled: number;
    readonly kept: number;
    readonly dropped: Readonly<Partial<Record<DropReason, number>>>;
    /** Groups in batches that were set aside; absent when there are none. */
    readonly setAside?: number;
  };
  /** Questions that could not be asked and were left out, at most 100. */
  readonly refused: readonly RefusedQuestion[];
  readonly restarts: number;
  readonly memory: { readonly peakRssBytes: number };
  /**
   * The version in `folder`: older than `steps` when the disk refused the last checkpoint; null without a checkpoint.
   */
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
   * `steps`: the requested number is done; `condition`: `loop.stopWhen` holds; `plugin`: a plug-in asked for the end;
   * `stopped`: a command or a signal; `failed`: a part failed past its restart budget.
   */
  readonly end: 'steps' | 'condition' | 'plugin' | 'stopped' | 'failed';
  /** With `condition` and `plugin`: the reason in a sentence. */
  readonly reason?: string;
  readonly error?: string;
}
