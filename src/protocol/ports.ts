/// <reference types="node" preserve="true" />
/**
 * The function types that a plug-in actor implements, one a role. Every port takes an AbortSignal and should end soon
 * after it aborts.
 */
import type {
  Batch,
  CheckFinding,
  Evaluation,
  Finish,
  JudgedGroup,
  PolicyVersion,
  Question,
  RolloutGroup,
  Sample,
  StepMetrics,
  Verdict,
} from './messages.ts';

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

/** What the run's model can take. */
export interface ModelLimits {
  /** Token ids are below it. */
  readonly vocabulary: number;
  /** Tokens of a prompt and its response together. */
  readonly context: number;
  /** False where what runs the model reads no pictures; absent: it reads them. */
  readonly pictures?: boolean;
}

/** Where prompts come from: all that a thread needs to build them itself. */
export interface PromptSource {
  /** Hugging Face folder of the base. */
  readonly folder: string;
  /** Template with `{question}` for the question's text; absent: the text alone. */
  readonly template?: string | undefined;
  /** What the system turn says; absent: what the chat template says by itself. */
  readonly system?: string | undefined;
  /** Maximum of tokens that a picture takes. */
  readonly maxPictureTokens?: number | undefined;
}

/**
 * The tokenizer of the run's model, and the prompts that the learner encodes. Read from the model's folder when first
 * used.
 */
export interface ModelText {
  readonly tokenizer: {
    /** Special tokens written out in the text (`<|im_end|>`) become their ids; none are added. */
    encode(text: string): Promise<readonly number[]>;
    /** Special tokens are left out unless `special` is set. */
    decode(tokens: readonly number[], options?: { readonly special?: boolean }): Promise<string>;
  };
  /**
   * The prompt of a question, by the run's prompt template and the model's chat template. In `text` each picture is one
   * image token; in `tokens` it is as many as the model sees. @throws InputError when a picture cannot be read, or the
   * prompt is longer than the model's context.
   */
  prompt(question: Question): Promise<EncodedText>;
}

export interface EncodedText {
  readonly text: string;
  readonly tokens: readonly number[];
  /** What the user turn says besides the pictures, which come first: the question by the run's prompt template. */
  readonly user: string;
  /** What the system turn says; absent: what the chat template says by itself. */
  readonly system?: string;
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
  /** Number of pictures that were scaled down to `pictures.maxTokens`; absent: none. */
  readonly scaledPictures?: number;
}

/** What a sampler of the daemon gives, in addition to a plug-in's. */
export interface SampledReply extends SampleReply {
  /** The loop calls it once the store has the groups: what keeps a copy of them until then drops it. */
  readonly stored?: () => void;
}

/**
 * The weights of one version. They can be read while the version is retained, which holds during each request that
 * names it.
 */
export interface WeightsRef {
  readonly version: number;
  /**
   * Names the content, so a reader may cache a copy under it. The version's number is not enough: a step repeated after
   * a crash may give the same number to other weights.
   */
  readonly id: string;
  /** Bytes that `read` gives. */
  readonly size: number;
  /** The weights as a safetensors file, a copy. @throws RangeError when the version is gone. */
  read(): Promise<Uint8Array>;
  /**
   * Writes the version as a Hugging Face folder, whole or not at all: an adapter in PEFT's layout where the run trains
   * one, the whole model otherwise. Absent where the learner cannot. @throws RangeError when the version is gone,
   * InputError when the folder is the base's own.
   */
  save?(folder: string): Promise<'adapter' | 'model'>;
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

/** A question that the policy wrote, not yet accepted. */
export interface Written {
  readonly question: Question;
  /** The question that it must differ from; null when the policy saw the pictures only. */
  readonly seed: Question | null;
  readonly finish: Finish;
}

/** What a watcher sees, after the store has it. */
export type LoopEvent =
  | { readonly type: 'judged'; readonly judged: JudgedGroup }
  /** `of`: where the step learnt from written questions, not from answers. */
  | { readonly type: 'learnt'; readonly version: PolicyVersion; readonly of?: 'writing' }
  | { readonly type: 'evaluated'; readonly evaluation: Evaluation };

/**
 * Questions for the sequence numbers `from ..< from + count`; the same request gives the same questions. May give
 * fewer, at least one.
 */
export type Ask = (request: AskRequest, signal: AbortSignal) => Promise<readonly Question[]>;
export type SampleQuestions = (request: SampleRequest, signal: AbortSignal) => Promise<SampledReply>;
/** Vote, rewards and advantages of one group. */
export type Judge = (group: RolloutGroup, signal: AbortSignal) => Promise<Verdict>;
/** One learner step from version `batch.parent`; idempotent by `(parent, id)`. */
export type Learn = (batch: Batch, signal: AbortSignal) => Promise<LearnReply>;
export type Evaluate = (request: EvaluateRequest, signal: AbortSignal) => Promise<Evaluation>;
/**
 * Writes the questions numbered `from ..< from + count`; the count is durable, and the same request gives the same
 * questions.
 */
export type Synthesize = (request: SynthesizeRequest, signal: AbortSignal) => Promise<readonly Written[]>;
/**
 * Changes nothing; its errors are logged and do not disturb the loop. Before the daemon ends it gets the last version
 * and its evaluation; after a kill, the versions and evaluations that were still queued for it.
 */
export type Watch = (event: LoopEvent, signal: AbortSignal) => Promise<void> | void;

/** One group before the vote. Arrays are parallel to `group.samples`. */
export interface CheckRequest {
  readonly group: RolloutGroup;
  /** Boxed answers; null where a response has none. */
  readonly answers: readonly (string | null)[];
  /** Equivalence class of each answer, 0-based in order of first appearance; -1 without an answer. */
  readonly classes: readonly number[];
  /**
   * The samples that the check asked for, parallel to its questions; no samples of a question that cannot be asked.
   * Absent in the first call.
   */
  readonly further?: readonly (readonly Sample[])[];
}

/** A check asks for samples of its own; the loop calls it again with them. */
export interface FurtherSamples {
  readonly questions: readonly CheckQuestion[];
  /** Samples of each question. */
  readonly samples: number;
  /** 0 is greedy; default: that of the group. */
  readonly temperature?: number | undefined;
}

export type CheckQuestion = Pick<Question, 'text' | 'pictures' | 'verbatim'>;

/** One group after the vote. Arrays are parallel to `group.samples`. */
export interface RewardRequest {
  readonly group: RolloutGroup;
  /** Boxed answers; null where a response has none. */
  readonly answers: readonly (string | null)[];
  /** Equivalence class of each answer, 0-based in order of first appearance; -1 without a vote. */
  readonly classes: readonly number[];
  /** Class with most votes; -1 without a vote. */
  readonly winner: number;
  /** Votes for the winner / G. */
  readonly share: number;
  /** Reward by the vote: 1 for a vote for the winner, else 0. */
  readonly votes: readonly number[];
}

export interface AdvantageRequest {
  readonly group: RolloutGroup;
  readonly classes: readonly number[];
  readonly winner: number;
  readonly share: number;
  readonly rewards: readonly number[];
}

/**
 * What an exporter gets: the records since the last page that it took. Groups that were learnt from, each batch before
 * its version; evaluations in order of arrival. Ids of groups, and version numbers of versions and evaluations, show an
 * exporter which records it has already.
 */
export interface ExportPage {
  readonly records: readonly LoopEvent[];
}

/** What a plug-in shows on the dashboard: data, which the page draws. Texts are shown as text. */
export interface PanelContent {
  readonly title: string;
  readonly blocks: readonly PanelBlock[];
}

export type PanelBlock =
  | { readonly type: 'text'; readonly text: string }
  | {
      readonly type: 'numbers';
      readonly rows: readonly { readonly name: string; readonly value: number; readonly unit?: string }[];
    }
  | {
      readonly type: 'table';
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | number)[])[];
    }
  /** Lines over one axis. Arrays of a line are parallel to `x`. */
  | {
      readonly type: 'lines';
      readonly x: readonly number[];
      readonly xName: string;
      readonly lines: readonly { readonly name: string; readonly y: readonly (number | null)[] }[];
    };

export interface Rewarded {
  /** One finite number a response. */
  readonly rewards: readonly number[];
  /**
   * Set for rewards by a rule that knows the truth: the filters that judge the vote (`shareFloor`, `dropNoBox`) are
   * skipped.
   */
  readonly verified?: boolean | undefined;
}

/**
 * Whether the work of each response holds, from the responses alone or from further samples of the newest version. A
 * response that a check denies has no vote and reward 0. The same request gives the same reply.
 */
export type Check = (request: CheckRequest, signal: AbortSignal) => Promise<CheckReply> | CheckReply;
export type CheckReply = readonly CheckFinding[] | FurtherSamples;
/**
 * The reward of each response of a group. Undefined leaves the group to the next reward listed, and finally to the
 * vote.
 */
export type Reward = (request: RewardRequest, signal: AbortSignal) => Promise<RewardReply> | RewardReply;
export type RewardReply = readonly number[] | Rewarded | undefined;
/** Rewards -> advantages: one finite number a response. */
export type Advantage = (
  request: AdvantageRequest,
  signal: AbortSignal,
) => Promise<readonly number[]> | readonly number[];
/** A short reason to drop a group that would be learnt from; undefined keeps it. */
export type Filter = (judged: JudgedGroup, signal: AbortSignal) => Promise<string | undefined> | string | undefined;
/**
 * Sends a page elsewhere. It gets every record at least once, in order, also after a restart; a page counts when the
 * promise resolves.
 */
export type Export = (page: ExportPage, signal: AbortSignal) => Promise<void> | void;
/** What the panel shows now; called again every few seconds while a page shows it. */
export type Panel = (signal: AbortSignal) => Promise<PanelContent> | PanelContent;

/** Port -> what its actor must be able to do. */
export interface Ports {
  readonly ask: Ask;
  readonly sample: SampleQuestions;
  readonly judge: Judge;
  readonly learn: Learn;
  readonly evaluate: Evaluate;
  readonly synthesize: Synthesize;
  readonly check: Check;
  readonly reward: Reward;
  readonly advantage: Advantage;
  readonly filter: Filter;
  readonly watch: Watch;
  readonly export: Export;
  readonly panel: Panel;
}

/** Ports that one plug-in at most holds; without one, or while it is parked, the built-in actor does the work. */
export type SoloPort = 'ask' | 'sample' | 'judge' | 'learn' | 'evaluate' | 'synthesize' | 'advantage';

export type PortName = keyof Ports;
