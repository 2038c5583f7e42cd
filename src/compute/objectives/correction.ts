/**
 * Importance correction: what is done where the sampler's log-probabilities are not those of the policy that the batch
 * starts from (the proximal one), because an older version or another program sampled. The proximal log-probabilities
 * are scored, ratios are taken to them, and the advantage of each token is weighted by w = proximal / sampler, which
 * has no gradient:
 *
 * - `truncated`: w brought into [lower, cap] (truncated importance sampling, Yao et al. 2025);
 * - `masked`: w within [lower, cap], 0 outside (IcePop, Ling team 2025, whose bounds 0.5 and 5 are the defaults);
 * - `decoupled`: the same with other defaults, those of decoupled PPO (AReaL, arXiv 2505.24298).
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
    .describe("`all`: groups of the batch's own version too, where another program samples than the one that learns."),
});

export const correctionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('truncated'), ...bounds(0, 2, 'Importance weights are cut at this value.') }),
  z.strictObject({
    type: z.literal('decoupled'),
    ...bounds(0, 2, 'Tokens with a larger importance weight teach nothing (decoupled PPO).'),
  }),
  z.strictObject({
    type: z.literal('masked'),
    ...bounds(0.5, 5, 'Tokens with a larger importance weight teach nothing (IcePop).'),
  }),
]);

export type Correction = z.output<typeof correctionSchema>;

/** Whether a group is corrected in a step that starts from version `parent`. */
export function isCorrected(correction: Correction, policyVersion: number, parent: number): boolean {
  return correction.type !== 'none' && (correction.groups === 'all' || policyVersion < parent);
}

/**
 * Weight where the proximal / sampler log ratio, of a token or of a response, is `logRatio`; 1 where they are the same.
 */
export function importance(logRatio: number, correction: Correction): number {
  if (correction.type === 'none') return 1;
  const { type, lower, cap } = correction;
  const weight = Math.exp(logRatio);
  if (type === 'truncated') return Math.min(Math.max(weight, lower), cap);
  return weight > cap || weight < lower ? 0 : weight;
}

/** Weights of a response's tokens. */
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

/** How far apart sampler and learner are, over the tokens that were corrected; nothing where none was. */
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
