/**
 * Log-probabilities that a learner computes for given responses, to check a remote sampler against. Producer: the
 * learner (src/policy/learner.ts).
 */
import type { Question } from './messages.ts';

export interface ScoreRequest {
  /** Version to score with; the caller retains it. */
  readonly version: number;
  /** Questions with the token ids of their responses, equally many for each. */
  readonly groups: readonly { readonly question: Question; readonly responses: readonly (readonly number[])[] }[];
  /** Temperature at which the responses were sampled. */
  readonly temperature: number;
}

/** log p(token), `[group][response][token]`. */
export type ScoreReply = readonly (readonly (readonly number[])[])[];
