/**
 * What is done about groups sampled by an older version than the batch starts from. Their ratio is taken to the proximal policy, the one the
 * batch starts from, and weighted by w = proximal / sampler:
 * `truncated` with min(w, cap) (Yao et al. 2025), `decoupled` with w, and 0 where w > cap (AReaL, arXiv 2505.24298).
 */
import { z } from 'zod';
import { MOST } from './limits.ts';

export const correctionSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('truncated'),
    cap: z.number().min(1).max(MOST).default(2).describe('Importance ratios of stale tokens are cut at this value.'),
  }),
  z.strictObject({
    type: z.literal('decoupled'),
    cap: z.number().min(1).max(MOST).default(2).describe('Cap on the ratio of the proximal to the behaviour policy (decoupled PPO).'),
  }),
]);

export type Correction = z.output<typeof correctionSchema>;

/** Weight of a token whose proximal / sampler log ratio is `logRatio`; 1 where they are the same. */
export function importance(logRatio: number, correction: Correction): number {
  if (correction.type === 'none') return 1;
  const weight = Math.exp(logRatio);
  if (correction.type === 'truncated') return Math.min(weight, correction.cap);
  return weight > correction.cap ? 0 : weight;
}
