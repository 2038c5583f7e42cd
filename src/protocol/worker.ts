/**
 * The thread protocol of the compute plane: one union of requests a role, one reply. Main thread -> worker thread and
 * back, by structured clone; weights travel by reference in shared memory. A worker keeps no state that its requests do
 * not bring along, only warm copies.
 */
import type { ErrorData } from './errors.ts';
import type { Batch, StepMetrics } from './messages.ts';
import type { GradientRequest, PassGradient, Port } from './passes.ts';
import type { SampleReply, SampleRequest } from './ports.ts';

/**
 * Float32 tensors one after the other in shared memory: read-only while it has readers, written again only after the
 * last reader is done.
 */
export interface SharedTensors {
  /** Names this content, so that a worker can tell whether its warm copy is the same. */
  readonly id: string;
  readonly buffer: SharedArrayBuffer;
  /** `offset` counts floats. */
  readonly entries: readonly { readonly name: string; readonly shape: readonly number[]; readonly offset: number }[];
}

/** The state that a learner step starts from and ends with. */
export interface SharedState {
  readonly weights: SharedTensors;
  readonly firstMoments: SharedTensors;
  readonly secondMoments: SharedTensors;
  /** Optimizer updates made so far. */
  readonly updates: number;
}

/**
 * [the request is cancelled, read between decode steps; how deep the thread is in native code; the thread is to be
 * ended; a count that rises with each program that ends; what the thread works on, in five numbers]
 * (src/compute/engine/native.ts)
 */
export type TaskFlags = Int32Array<SharedArrayBuffer>;

/** Answered once the thread's model is loaded. */
export interface ReadyCall {
  readonly type: 'ready';
}

export interface SampleCall {
  readonly type: 'sample';
  readonly request: SampleRequest;
  readonly weights: SharedTensors;
  /** The frozen base, for `request.reference`. */
  readonly base: SharedTensors;
}

/** Log-probabilities of given responses, `[question][response][token]`. */
export interface ScoreCall {
  readonly type: 'score';
  readonly request: SampleRequest;
  readonly weights: SharedTensors;
  readonly responses: readonly (readonly (readonly number[])[])[];
}

/** Loads the base's weights into shared memory. */
export interface BaseCall {
  readonly type: 'base';
}

/** Loads the base and, where there is one, the checkpoint to continue from. */
export interface OpenCall {
  readonly type: 'open';
  readonly checkpoint?: { readonly version: number; readonly folder: string };
}

/** Loads a checkpoint while the learner stays alive. */
export interface LoadCall {
  readonly type: 'load';
  readonly checkpoint: { readonly version: number; readonly folder: string };
}

export interface OpenReply {
  readonly base: SharedTensors;
  readonly state: SharedState;
}

/** Shared by the learner threads that take a step together (src/compute/threads/rank-memory.ts). */
export interface RankMemory {
  /** Index of the thread that is called. */
  readonly rank: number;
  readonly flags: Int32Array<SharedArrayBuffer>;
  /** One a thread. */
  readonly slots: readonly SharedArrayBuffer[];
  /** How long a thread waits for others that make no progress. */
  readonly seconds: number;
}

interface Lesson {
  readonly batch: Batch;
  readonly state: SharedState;
  readonly base: SharedTensors;
  /** Names the weights of the new state (`SharedTensors.id`). */
  readonly id: string;
  /** Absent: one thread takes the step. */
  readonly ranks?: RankMemory | undefined;
  /** Carries `PassMessage`s and their answers where helpers can compute passes (passes.ts). */
  readonly helpers?: Port | undefined;
}

export interface LearnCall extends Lesson {
  readonly type: 'learn';
  /** Memory without readers, for the new state. */
  readonly spare?: SharedState | undefined;
}

/** Takes a part of a step whose other parts, and result, are another thread's. */
export interface AssistCall extends Lesson {
  readonly type: 'assist';
}

/** Computes the gradient of a pass for another process's learner. */
export interface GradientCall {
  readonly type: 'gradient';
  readonly weights: SharedTensors;
  readonly request: GradientRequest;
}

export interface LearnResult {
  readonly state: SharedState;
  readonly metrics: StepMetrics;
}

export interface SaveCall {
  readonly type: 'save';
  readonly version: number;
  readonly state: SharedState;
  readonly folder: string;
}

export type RolloutCall = ReadyCall | BaseCall | SampleCall | ScoreCall;
export type LearnerCall = ReadyCall | OpenCall | LoadCall | LearnCall | AssistCall | GradientCall | SaveCall;
export type WorkerCall = RolloutCall | LearnerCall;

/** The value that answers each type of call. */
export interface WorkerValues {
  readonly ready: null;
  readonly base: SharedTensors;
  readonly sample: SampleReply;
  readonly score: readonly (readonly (readonly number[])[])[];
  readonly open: OpenReply;
  readonly load: SharedState;
  readonly learn: LearnResult;
  readonly assist: null;
  readonly gradient: PassGradient;
  readonly save: null;
}

export interface WorkerTask {
  readonly call: WorkerCall;
  readonly flags: TaskFlags;
}

export type WorkerReply = (
  | { readonly type: 'ok'; readonly value: WorkerValues[keyof WorkerValues] }
  /** Errors lose their class across threads: they travel as data. */
  | { readonly type: 'error'; readonly error: ErrorData }
) & {
  /** What the thread has to tell the user, a sentence each. */
  readonly notes: readonly string[];
};
