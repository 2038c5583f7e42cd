/**
 * What a learner says of given responses, as a sampler elsewhere is checked by. Producer: the learner
 * (src/policy/learner.ts).
 */
import type { Question } from './messages.ts';

export interface ScoreRequest {
  /** Version to score with; the caller retains it. */
  readonly version: number;
  /** Questions with token ids of responses, of each as many. */
  readonly groups: readonly { readonly question: Question; readonly responses: readonly (readonly number[])[] }[];
  /** Temperature of the distribution: that at which the responses were sampled. */
  readonly temperature: number;
}

/** log p(token), `[group][response][token]`. */
export type ScoreReply = readonly (readonly (readonly number[])[])[];
