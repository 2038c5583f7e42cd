/** The function types that a plug-in actor implements, one a role. Every port takes an AbortSignal and should end soon after it aborts. */
import type { Batch, Evaluation, Finish, JudgedGroup, PolicyVersion, Question, RolloutGroup, Sample, StepMetrics, Verdict } from './messages.ts';

export interface AskRequest {
  /** Sequence number of the first question: the durable cursor. */
  readonly from: number;
  readonly count: number;
}

export interface SamplingParams {
  /** G, samples a question. */
  readonly samples: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly maxNewTokens: number;
}

export interface SampleRequest {
  readonly questions: readonly Question[];
  readonly params: SamplingParams;
  /** Same seed, version and questions: same samples. */
  readonly seed: number;
  /** Version to sample with; it must be published and not yet released. */
  readonly version: number;
  /** Also log-probabilities under the frozen base, which the KL penalty needs (`Sample.refLogprobs`). */
  readonly reference?: boolean;
}

export interface SampleReply {
  /** Parallel to `questions`. */
  readonly groups: readonly (readonly Sample[])[];
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly seconds: number;
}

export interface LearnReply {
  readonly version: PolicyVersion;
  readonly metrics: StepMetrics;
}

export interface EvaluateRequest {
  readonly version: number;
  /** Also pass@1, maj@k and pass@k. */
  readonly full: boolean;
}

export interface SynthesizeRequest {
  readonly from: number;
  readonly count: number;
  /** Version to write with; the caller retains it. */
  readonly version: number;
}

/** A question as the policy wrote it, not yet accepted. */
export interface Written {
  readonly question: Question;
  /** The question it was to differ from; null where it saw the pictures only. */
  readonly seed: Question | null;
  readonly finish: Finish;
}

/** What a watcher sees, after it is stored. */
export type LoopEvent =
  | { readonly type: 'judged'; readonly judged: JudgedGroup }
  | { readonly type: 'learnt'; readonly version: PolicyVersion }
  | { readonly type: 'evaluated'; readonly evaluation: Evaluation };

/** Questions for the sequence numbers `from ..< from + count`; the same request gives the same questions. May give fewer, at least one. */
export type Ask = (request: AskRequest, signal: AbortSignal) => Promise<readonly Question[]>;
export type SampleQuestions = (request: SampleRequest, signal: AbortSignal) => Promise<SampleReply>;
/** Vote, rewards and advantages of one group. */
export type Judge = (group: RolloutGroup, signal: AbortSignal) => Promise<Verdict>;
/** One learner step from version `batch.parent`; idempotent by `(parent, id)`. */
export type Learn = (batch: Batch, signal: AbortSignal) => Promise<LearnReply>;
export type Evaluate = (request: EvaluateRequest, signal: AbortSignal) => Promise<Evaluation>;
/** Writes questions `from ..< from + count` of a durable count; the same request gives the same questions. */
export type Synthesize = (request: SynthesizeRequest, signal: AbortSignal) => Promise<readonly Written[]>;
/** Changes nothing; what it throws is logged and does not disturb the loop. */
export type Watch = (event: LoopEvent, signal: AbortSignal) => Promise<void> | void;

/** Role -> what its actor must be able to do. One plug-in holds each role, but any number may watch. */
export interface Ports {
  readonly ask: Ask;
  readonly sample: SampleQuestions;
  readonly judge: Judge;
  readonly learn: Learn;
  readonly evaluate: Evaluate;
  readonly synthesize: Synthesize;
  readonly watch: Watch;
}

export type PortName = keyof Ports;
