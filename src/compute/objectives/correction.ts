/**
 * Importance correction, for batches whose sampler's log-probabilities differ from those of the policy that the step
 * starts from (the proximal policy), because an older version or another program sampled. The learner scores the
 * proximal log-probabilities, takes ratios to them, and weights the advantage of each token by w = proximal / sampler,
 * which has no gradient:
 *
 * - `truncated`: w is clamped to [lower, cap] (truncated importance sampling, Yao et al. 2025);
 * - `masked`: w is kept within [lower, cap] and 0 outside (IcePop, Ling team 2025, whose bounds 0.5 and 5 are the
 *   defaults);
 * - `decoupled`: the same as `masked`, with the defaults of decoupled PPO (AReaL, arXiv 2505.24298).
 *
 * With `level: sequence` w is the product over the response's tokens, the same for each of them.
 */
import { z } from 'zod';
import type { StepMetrics } from '../../protocol/messages.ts';
import { MOST } from './limits.ts';

const bounds = (lower: number, cap: number, capDoc: string) => ({
  cap: z.number().min(1).max(MOST).default(cap).describe(capDoc),
  lower: z.number().min(0).max(1).default(lower).describe('Lower bound of the importance weight.'),
  level: z
    .enum(['token', 'sequence'])
    .default('token')
    .describe('`sequence`: the weight is the product over the tokens of the response.'),
  groups: z
    .enum(['stale', 'all'])
    .default('stale')
    .describe(
      "`all`: also corrects groups of the batch's own version, for samplers that run another program than the learner.",
    ),
});

export const correctionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('truncated'), ...bounds(0, 2, 'Upper bound of the importance weight.') }),
  z.strictObject({
    type: z.literal('decoupled'),
    ...bounds(0, 2, 'An importance weight above this value becomes 0 (decoupled PPO).'),
  }),
  z.strictObject({
    type: z.literal('masked'),
    ...bounds(0.5, 5, 'An importance weight above this value becomes 0 (IcePop).'),
  }),
]);

export type Correction = z.output<typeof correctionSchema>;

/** Whether a group is corrected in a step that starts from version `parent`. */
export function isCorrected(correction: Correction, policyVersion: number, parent: number): boolean {
  return correction.type !== 'none' && (correction.groups === 'all' || policyVersion < parent);
}

/**
 * Returns the weight for a proximal / sampler log ratio `logRatio`, of a token or of a response; 1 when both are
 * equal.
 */
export function importance(logRatio: number, correction: Correction): number {
  if (correction.type === 'none') return 1;
  const { type, lower, cap } = correction;
  const weight = Math.exp(logRatio);
  if (type === 'truncated') return Math.min(Math.max(weight, lower), cap);
  return weight > cap || weight < lower ? 0 : weight;
}

/** Returns the weights of a response's tokens. */
export function importances(logRatios: readonly number[], correction: Correction): number[] {
  if (correction.type === 'none' || correction.level === 'token')
    return logRatios.map((logRatio) => importance(logRatio, correction));
  const total = logRatios.reduce((sum, logRatio) => sum + logRatio, 0);
  return logRatios.map(() => importance(total, correction));
}

/** One token's log ratio and the weight that it got. */
export interface Weighted {
  readonly logRatio: number;
  readonly weight: number;
}

/**
 * Measures how far apart sampler and learner are, over the corrected tokens; returns no metrics when no token was
 * corrected.
 */
export function mismatchOf(
  tokens: readonly Weighted[],
): Pick<StepMetrics, 'mismatch' | 'effectiveSamples' | 'maskedShare'> {
  if (tokens.length === 0) return {};
  const total = (of: (token: Weighted) => number): number => tokens.reduce((sum, token) => sum + of(token), 0);
  const squares = total(({ weight }) => weight ** 2);
  return {
    mismatch: total(({ logRatio }) => Math.abs(logRatio)) / tokens.length,
    effectiveSamples: squares === 0 ? 0 : total(({ weight }) => weight) ** 2 / (tokens.length * squares),
    maskedShare: total(({ weight }) => Number(weight === 0)) / tokens.length,
  };
}
