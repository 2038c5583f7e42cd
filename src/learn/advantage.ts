/** Group-relative advantages (GRPO, DeepSeekMath, arXiv 2402.03300, eq. 1 and section 4.1.2). */
import { mean } from '../lib/mean.ts';

export interface AdvantageOptions {
  /** Divide by the group's standard deviation (GRPO); false leaves `reward - mean` (Dr. GRPO, arXiv 2503.20783). */
  readonly normaliseStd: boolean;
  /** Added to the standard deviation. Default 1e-6, as in verl and the MM-UPT release. */
  readonly epsilon?: number;
}

/**
 * `(reward - mean) / (std + epsilon)` over one group, with the sample standard deviation (n - 1), like torch.std. They
 * sum to 0 up to rounding; a group whose rewards are all equal gets exact zeros.
 */
export function groupAdvantages(
  rewards: readonly number[],
  { normaliseStd, epsilon = 1e-6 }: AdvantageOptions,
): number[] {
  const n = rewards.length;
  if (rewards.every((reward) => reward === rewards[0])) return rewards.map(() => 0);
  const centre = mean(rewards);
  const centred = rewards.map((reward) => reward - centre);
  if (!normaliseStd) return centred;
  const std = Math.sqrt(centred.reduce((sum, d) => sum + d * d, 0) / (n - 1));
  return centred.map((d) => d / (std + epsilon));
}
