/** Settings of `learner` that all objectives share; an objective's own are in `learner.objective`. */
import { z } from 'zod';
import type { RateSettings } from '../training/schedule.ts';
import { AGGREGATIONS } from './aggregation.ts';
import { correctionSchema } from './correction.ts';
import { MOST } from './limits.ts';

/** Keys of `learner` in the configuration. */
export const sharedSettings = {
  klCoefficient: z.number().min(0).max(MOST).default(0.1).describe('Weight of the KL penalty to the frozen base.'),
  klEstimator: z
    .enum(['k1', 'k2', 'k3', 'unbiased'])
    .default('k3')
    .describe(
      'Estimator of the penalised KL; `unbiased` is k3 times the importance ratio. The metric `kl` is always k3.',
    ),
  clipRange: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe(
      'PPO clip of the importance ratio, on each side for which neither `clip` nor the objective sets a bound.',
    ),
  clip: z
    .strictObject({
      low: z
        .number()
        .gt(0)
        .max(1)
        .optional()
        .describe('The ratio is clipped at 1 - low; default: that of the objective (docs/objectives.md).'),
      high: z
        .number()
        .gt(0)
        .max(MOST)
        .optional()
        .describe('The ratio is clipped at 1 + high; default: that of the objective.'),
    })
    .prefault({}),
  dualClip: z
    .number()
    .gt(1)
    .max(MOST)
    .default(3)
    .describe('Bound on the loss of tokens with negative advantage (dual clip).'),
  aggregation: z
    .enum(AGGREGATIONS)
    .optional()
    .describe(
      'How the losses of tokens are averaged; `fixed-length` divides by `sampling.maxNewTokens`. Default: that of the objective.',
    ),
  correction: correctionSchema
    .default({ type: 'none' })
    .describe('Importance correction of groups that an older version sampled, or another program than the learner.'),
  entropy: z
    .strictObject({
      coefficient: z.number().min(0).max(MOST).default(0).describe('Weight of an entropy bonus; 0 is off.'),
      target: z
        .number()
        .positive()
        .max(MOST)
        .nullable()
        .default(null)
        .describe(
          'Entropy, in nats a token, at which the bonus ends: its weight falls from `coefficient` at entropy 0 to 0 at the target; null: the weight is constant.',
        ),
    })
    .prefault({}),
  blame: z
    .enum(['response', 'step'])
    .default('response')
    .describe(
      'Tokens that a negative advantage reaches: all of the `response`, or, where `checks` find the `step` that is false, those from it on.',
    ),
  truncated: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('learn') }),
      z.strictObject({ type: z.literal('mask') }),
      z.strictObject({
        type: z.literal('penalise'),
        penalty: z
          .number()
          .positive()
          .max(MOST)
          .default(1)
          .describe('Amount subtracted from the reward of a response that was cut off.'),
      }),
    ])
    .default({ type: 'learn' })
    .describe(
      'Handling of responses that were cut off at `sampling.maxNewTokens`: `mask` excludes them from the loss.',
    ),
};

type Shared = z.output<z.ZodObject<typeof sharedSettings>>;

export interface LearnSettings<Own extends { readonly type: string } = { readonly type: string }>
  extends Shared, RateSettings {
  readonly objective: Own;
  /** Optimizer updates per step; the groups are divided among them. */
  readonly minibatches: number;
  /** The sampler's temperature; 0 counts as 1. */
  readonly temperature: number;
  /** Longest response of the sampler, in tokens. */
  readonly maxNewTokens: number;
}
