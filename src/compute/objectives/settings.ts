/** Settings of `learner` that objectives read, besides their own in `learner.objective`. */
import { z } from 'zod';
import type { RateSettings } from '../training/schedule.ts';
import { correctionSchema, type Correction } from './correction.ts';
import { MOST } from './limits.ts';

/** Keys of `learner` in the configuration. */
export const sharedSettings = {
  klCoefficient: z.number().min(0).max(MOST).default(0.1).describe('Weight of the k3 KL penalty to the frozen base.'),
  clipRange: z.number().gt(0).lt(1).default(0.2).describe('PPO clip of the importance ratio.'),
  dualClip: z.number().gt(1).max(MOST).default(3).describe('Bound on the loss of tokens with negative advantage (dual clip).'),
  correction: correctionSchema.default({ type: 'none' }).describe('What is done about groups sampled by an older version.'),
};

export interface LearnSettings<Own extends { readonly type: string } = { readonly type: string }> extends RateSettings {
  readonly objective: Own;
  readonly klCoefficient: number;
  readonly clipRange: number;
  readonly dualClip: number;
  readonly correction: Correction;
  /** Optimizer updates a step; each takes its share of the groups. */
  readonly minibatches: number;
  /** The sampler's; 0 counts as 1. */
  readonly temperature: number;
  /** Groups in one forward and backward pass. */
  readonly microBatchGroups: number;
}
