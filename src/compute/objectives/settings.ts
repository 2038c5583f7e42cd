/** Settings of `learner` that objectives share; their own are in `learner.objective`. */
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
      'Estimate of the KL that is penalised; `unbiased` is k3 times the importance ratio. The metric `kl` is k3 always.',
    ),
  clipRange: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe(
      'PPO clip of the importance ratio, on each side that neither `clip` nor the objective says otherwise for.',
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
      'How the losses of tokens become one; `fixed-length` divides by `sampling.maxNewTokens`. Default: that of the objective.',
    ),
  correction: correctionSchema
    .default({ type: 'none' })
    .describe('What is done about groups sampled by an older version, or by another program than the one that learns.'),
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
          'Entropy, in nats a token, at which the bonus ends: its weight is `coefficient` at entropy 0 and falls to 0 there; null: it does not change.',
        ),
    })
    .prefault({}),
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
          .describe('Taken from the reward of a response that was cut off.'),
      }),
    ])
    .default({ type: 'learn' })
    .describe(
      'What is done about responses that were cut off at `sampling.maxNewTokens`: `mask` teaches nothing by them.',
    ),
};

type Shared = z.output<z.ZodObject<typeof sharedSettings>>;

export interface LearnSettings<Own extends { readonly type: string } = { readonly type: string }>
  extends Shared, RateSettings {
  readonly objective: Own;
  /** Optimizer updates a step; each takes its share of the groups. */
  readonly minibatches: number;
  /** The sampler's; 0 counts as 1. */
  readonly temperature: number;
  /** The longest response that the sampler makes, in tokens. */
  readonly maxNewTokens: number;
  /** Groups in one forward and backward pass. */
  readonly microBatchGroups: number;
}
