/**
 * What moves through the loop: Question -> RolloutGroup -> Verdict -> Batch -> PolicyVersion. Plain data, JSON- and
 * msgpack-safe.
 */

/** Grey or RGB picture, decoded; `data` is `[height, width, channels]`, one byte a channel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** Where a picture is: a file on disk, a built-in picture drawn from its seed, or a place within a data file. */
export type PictureRef =
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'figure'; readonly key: string }
  | ParquetPictureRef
  | Base64PictureRef
  /** Another picture at a fraction of its resolution. */
  | { readonly type: 'coarse'; readonly of: PictureRef }
  /** Another picture moved a little and made slightly noisy; `seed` says how. */
  | { readonly type: 'disturbed'; readonly of: PictureRef; readonly seed: number }
  /**
   * Another picture cut into `rows` x `columns` pieces of equal size and put together in another order: place `i`, row
   * by row, holds piece `order[i]` of the original. Pixels that do not divide are cut off at the right and below.
   */
  | {
      readonly type: 'rearranged';
      readonly of: PictureRef;
      readonly rows: number;
      readonly columns: number;
      readonly order: readonly number[];
    };

/** Picture `index` of the list in one row (0 where the column holds single pictures). */
export interface ParquetPictureRef {
  readonly type: 'parquet';
  readonly path: string;
  /** Top-level column. */
  readonly column: string;
  /** From 0. */
  readonly row: number;
  readonly index: number;
  /** First 32 hex digits of the SHA-256 of the bytes: shows that the file has changed. */
  readonly digest: string;
}

/** Base64 within a text file, such as JSONL or CSV. */
export interface Base64PictureRef {
  readonly type: 'base64';
  readonly path: string;
  /** Bytes of the file. */
  readonly offset: number;
  readonly length: number;
  /** As for a picture of a Parquet file. */
  readonly digest: string;
}

/** `writing`: a prompt whose responses are questions, which earn a reward (`synthesis.reward`). */
export type Origin = 'dataset' | 'in-context' | 'direct' | 'plugin' | 'writing';

/** Producer: questioner. Consumer: sampler. Never carries a label. */
export interface Question {
  readonly id: string;
  readonly text: string;
  readonly pictures: readonly PictureRef[];
  readonly origin: Origin;
  /** Kind of task, where the data set names one; for reports only. */
  readonly kind?: string;
  readonly parentId?: string;
  /** The text is the whole prompt: the configuration's template does not wrap it. */
  readonly verbatim?: true;
}

export type Finish = 'stop' | 'length' | 'cancelled';

/** One response. `logprobs[t]` is log pi(token t | prefix) under the distribution it was drawn from. */
export interface Sample {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  /** log pi of the same tokens under the frozen base, for the KL penalty; absent where it is not needed (evaluation). */
  readonly refLogprobs?: readonly number[];
  readonly text: string;
  readonly finish: Finish;
}

/**
 * What a check finds of one response: its work holds; it has no vote; or there is nothing to check, and it keeps its
 * vote. `why` in a few words; `step` is the step that is false, as the response writes it; `falseFrom` is the offset in
 * the response's text from which its work is false, absent where all of it is.
 */
export type CheckFinding =
  | { readonly vote: true }
  | { readonly vote: false; readonly why: string; readonly step?: string; readonly falseFrom?: number }
  | { readonly vote: null; readonly why: string };

/** What one check finds of a group. */
export interface Checked {
  /** Name of the plug-in. */
  readonly check: string;
  /** Parallel to the group's samples. */
  readonly findings: readonly CheckFinding[];
}

/** Producer: sampler. Consumers: checks, voter. G samples of one question by one policy version. */
export interface RolloutGroup {
  readonly id: string;
  /** Admission order; batches are formed in this order. */
  readonly sequence: number;
  readonly question: Question;
  readonly policyVersion: number;
  readonly samples: readonly Sample[];
  /** In the order of the checks; absent when the run has none. */
  readonly checks?: readonly Checked[];
}

/**
 * `filtered`: a plug-in's filter dropped it (`Verdict.why`). `equal-rewards`: the answers differ, but every response
 * earned the same reward, so there is nothing to compare. `refused`: the policy cannot answer the question (too long
 * for its context, a picture that cannot be read); its group has no samples. `no-vote`: checks took every vote. `gone`: between two starts its question
 * changed or left the data, or its prompt changed.
 */
export type DropReason =
  | 'all-agree'
  | 'equal-rewards'
  | 'no-box'
  | 'no-vote'
  | 'share-floor'
  | 'too-long'
  | 'refused'
  | 'filtered'
  | 'gone';

/** Producer: voter. Consumer: batcher (kept groups) and telemetry (all). Arrays are parallel to the group's samples. */
export interface Verdict {
  readonly groupId: string;
  /** Extracted answers; null where a response has no boxed answer (no vote, reward 0). */
  readonly answers: readonly (string | null)[];
  /**
   * Equivalence class of each answer, 0-based in order of first appearance; -1 where there is no answer, or a check
   * denies it the vote (reward 0).
   */
  readonly classes: readonly number[];
  /** Class with most votes, ties to the class seen first; -1 without a vote. */
  readonly winner: number;
  /** Votes for the winner / G: a vote that a check took lowers it. */
  readonly share: number;
  readonly rewards: readonly number[];
  readonly advantages: readonly number[];
  readonly kept: boolean;
  readonly dropped?: DropReason;
  /** When a filter dropped it: the plug-in and its reason. */
  readonly why?: string;
  /** Absent where no response lost its vote to a check. */
  readonly lost?: {
    /** Responses, by the check that took their vote. */
    readonly by: Readonly<Record<string, number>>;
    /** `classes` before the checks. */
    readonly classes: readonly number[];
  };
  /**
   * Of a prompt of origin `writing`: what became of each response. `answers` holds the usable questions, `classes` those
   * with near the same words, `winner` is -1, and `share` is that of the questions that the loop would learn from.
   */
  readonly written?: readonly WrittenQuestion[];
}

/** A response to a prompt of origin `writing`. The reward is the product of spread, novelty and balance, each in [0, 1]. */
export interface WrittenQuestion {
  readonly text: string;
  /** Why it earns nothing: not a usable question, or its votes teach nothing. */
  readonly why?: string;
  /** Votes for the winner / all votes on it; absent where it was not asked. */
  readonly share?: number;
  /** 4 s (1 - s) of that share s where the loop would learn from the votes, else 0. */
  readonly spread: number;
  /** Share of the other questions about its pictures, in the group and lately, that are not near its words. */
  readonly novelty: number;
  /** 1 - the share of its kind among the questions written lately. */
  readonly balance: number;
  /** Its first words, with each number as `#`. */
  readonly kind: string;
}

export interface JudgedGroup {
  readonly group: RolloutGroup;
  readonly verdict: Verdict;
}

/** The settings of a step that may change while the loop runs; a replay gets the same values. */
export interface StepSettings {
  /** After warm-up, before the schedule. */
  readonly learningRate: number;
  /** Temperature at which every group of the batch was sampled. */
  readonly temperature: number;
}

/** Producer: batcher. Consumer: learner. Learner work is idempotent by `(parent, id)`. */
export interface Batch {
  readonly id: number;
  /** Version the step starts from; the step makes `parent + 1`. */
  readonly parent: number;
  /** All groups have the same number of samples. */
  readonly groups: readonly JudgedGroup[];
  /** Overrides the learner's configuration. */
  readonly settings?: StepSettings;
  /**
   * Set when its version is stored: a replay must lead to the same weights, so the step is taken whatever its numbers
   * are.
   */
  readonly again?: true;
}

/** What one optimizer step did; means over response tokens unless said otherwise. */
export interface StepMetrics {
  readonly loss: number;
  /** k3 estimate of KL(pi || base) (Schulman 2020). */
  readonly kl: number;
  readonly entropy: number;
  readonly clipFraction: number;
  /** Mean importance ratio pi / mu. */
  readonly ratio: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly seconds: number;
  /**
   * Mean |log pi of the learner - of the sampler| before the step, over the tokens of the first mini-batch, nats; with
   * stale groups also what the policy has moved since, with `sampling.topP` or `topK` also what they cut off. Absent
   * where the loss has another temperature than the sampler (`sft`, `dpo`).
   */
  readonly samplerGap?: number;
  /** The largest of these distances. */
  readonly samplerGapMax?: number;
  /**
   * Mean |log pi of the learner - of the sampler| over the tokens with importance correction (`learner.correction`),
   * nats; absent without such tokens.
   */
  readonly mismatch?: number;
  /** (sum of weights)^2 / sum of squared weights, as a share of these tokens. */
  readonly effectiveSamples?: number;
  /** Share of these tokens without a gradient. */
  readonly maskedShare?: number;
  /** Weight of the entropy bonus; absent without one. */
  readonly entropyCoefficient?: number;
}

/** Producer: learner. Consumers: samplers, evaluator, store. */
export interface PolicyVersion {
  readonly n: number;
  readonly parent: number | null;
  readonly batchId: number | null;
  readonly metrics: StepMetrics | null;
}

/** Accuracy in [0, 1] on held-out questions. */
export interface Accuracy {
  readonly n: number;
  readonly k: number;
  readonly greedy: number;
  readonly pass1: number;
  readonly majK: number;
  readonly passK: number;
  /** Greedy accuracy by question kind. */
  readonly byKind: Readonly<Record<string, { readonly n: number; readonly greedy: number }>>;
  /** Greedy accuracy by level, in order, where the data set has levels. */
  readonly levels?: Readonly<Record<string, number>>;
}

/** A version's greedy answer to a held-out question. For people to compare versions; nothing that learns may see it. */
export interface HeldOutAnswer {
  readonly question: Question;
  readonly answer: string | null;
  /** Null where the question has no label. */
  readonly right: boolean | null;
  /** The label, never used for training. Null where the question has none. */
  readonly truth: string | null;
}

/** A question that cannot be asked: its picture is damaged, or it exceeds the context. */
export interface RefusedQuestion {
  /** Id of the question. */
  readonly question: string;
  /** Names the file and the row when they are known. */
  readonly reason: string;
}

/** What held-out questions show without labels. Shares are in [0, 1]. */
export interface LabelFree {
  /** Number of questions asked. */
  readonly n: number;
  /** Share of the greedy responses that hold an answer. */
  readonly answered: number;
  /**
   * Of the questions that the base answered: share with the same greedy answer. Null when no answer of the base is
   * stored.
   */
  readonly asBase: number | null;
  /** The same for version `trusted`. */
  readonly asTrusted: number | null;
  /** Newest evaluated version up to the one that the guardian trusts; null when it trusts none. */
  readonly trusted: number | null;
  /** Mean vote share of a few sampled responses to each of some of the questions. */
  readonly voteShare: number;
  /**
   * Mean of -log pi over the tokens of those responses: an estimate of the entropy in nats a token, at the sampling
   * temperature.
   */
  readonly entropy: number;
  /** Mean length of those responses. */
  readonly responseTokens: number;
}

/** Producer: evaluator. The quick form holds greedy only. */
export interface Evaluation {
  readonly version: number;
  /** Greedy accuracy; null when none of the questions has a label. */
  readonly greedy: number | null;
  /** Questions with a label that were asked. */
  readonly n: number;
  /** Greedy accuracy of the same questions by level, in order, where the data set has at most 32 levels. */
  readonly levels?: Readonly<Record<string, number>>;
  readonly full?: Accuracy;
  /** Present when a held-out question has no label. */
  readonly labelFree?: LabelFree;
  /** The greedy answer to each question. The store keeps them apart; watchers do not get them. */
  readonly answers?: readonly HeldOutAnswer[];
  /** Questions that could not be asked: left out, and not counted in `n`. */
  readonly refused?: readonly RefusedQuestion[];
}
