/**
 * A pass of a learner step as plain data, for helpers outside the learner's thread that compute its gradient. Its prompts
 * travel as questions, so a helper decodes pictures itself.
 */
import type { Question } from './messages.ts';
import type { SharedTensors } from './worker.ts';

/** A MessagePort of Node or of a browser. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(
    type: 'message' | 'close',
    listener: (event: { readonly data?: unknown }) => void,
    options?: { readonly signal?: AbortSignal },
  ): void;
  close(): void;
}

/** Arrays are parallel to `tokens`. */
export interface PassResponse {
  readonly tokens: readonly number[];
  /** Weight of each token in a token mean; absent: 1. */
  readonly weights?: readonly number[] | undefined;
  /** The inputs of the loss, by name. */
  readonly values?: Readonly<Record<string, readonly number[]>> | undefined;
  /** log pi of each token under the sampler. */
  readonly sampled?: readonly number[] | undefined;
}

/** Producer: a learner's thread. Consumer: a helper, which answers with a `PassGradient`. */
export interface GradientRequest {
  /** Name of the loss, which names all its settings. */
  readonly loss: string;
  /** Temperature of the step's settings. */
  readonly temperature: number;
  /** Response tokens of the whole mini-batch. */
  readonly tokens: number;
  /** Padded lengths. */
  readonly promptLength: number;
  readonly responseLength: number;
  readonly groups: readonly { readonly question: Question; readonly responses: readonly PassResponse[] }[];
}

/** Producer: a helper. Consumer: the learner's thread. */
export interface PassGradient {
  /** Float32 gradients of the trainable weights, one after the other in the order of their names. */
  readonly gradients: SharedArrayBuffer;
  /** The pass's sums of the loss and of its metrics. */
  readonly terms: Readonly<Record<string, number>>;
  /** Distance of the sampler's log-probabilities from the learner's, over the tokens that have both. */
  readonly gap: { readonly sum: number; readonly most: number; readonly tokens: number };
}

/** A gradient with what the learner's thread needs to check it. */
export interface HelpersGradient extends PassGradient {
  /** Whether the thread is to compute the gradient again. */
  readonly isDue: boolean;
  /** The largest relative distance of a right gradient from the thread's own. */
  readonly tolerance: number;
}

/** Producer: a learner's thread. Consumer: the main thread. */
export type PassMessage =
  /** Replaces an earlier offer. */
  | {
      readonly type: 'offer';
      readonly weights: SharedTensors;
      /** Undefined for a pass that the thread computes in any case. */
      readonly requests: readonly (GradientRequest | undefined)[];
    }
  /** Answered once it is known whether a helper computes pass `at` of the newest offer. */
  | { readonly type: 'take'; readonly at: number }
  /** The gradient of pass `at` is wrong; answered when its helper is out. */
  | { readonly type: 'reject'; readonly at: number; readonly why: string };

/** Answers `take` and `reject`. Absent gradient: the thread computes the pass. */
export interface PassReply {
  readonly at: number;
  readonly gradient?: HelpersGradient | undefined;
}
