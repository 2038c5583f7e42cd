/**
 * Computes the advantages of a group's responses when an objective, or the handling of truncated responses, changes
 * them after the verdict.
 */
import { groupAdvantages } from '../../learn/advantage.ts';
import type { JudgedGroup, Sample } from '../../protocol/messages.ts';
import type { LearnSettings } from './settings.ts';

export interface AdvantageRule<Settings extends LearnSettings = LearnSettings> {
  /**
   * Whether advantages are divided by the group's standard deviation. The verdict's are divided unless a plug-in sets
   * its own. Default true.
   */
  readonly normaliseStd?: boolean;
  /** Added to the reward of a response. */
  shaping?(sample: Sample, settings: Settings): number;
}

/**
 * Returns the verdict's advantages, unless the rule does not normalise or a reward changes: then recomputes them from
 * the rewards.
 */
export function advantagesOf<Settings extends LearnSettings>(
  { group, verdict }: JudgedGroup,
  settings: Settings,
  rule: AdvantageRule<Settings>,
): readonly number[] {
  const { truncated } = settings;
  const { normaliseStd = true } = rule;
  const added = group.samples.map((sample) => {
    const penalty = truncated.type === 'penalise' && sample.finish === 'length' ? truncated.penalty : 0;
    return (rule.shaping?.(sample, settings) ?? 0) - penalty;
  });
  if (normaliseStd && added.every((each) => each === 0)) return verdict.advantages;
  const rewards = verdict.rewards.map((reward, i) => reward + added[i]!);
  return groupAdvantages(rewards, { normaliseStd });
}

/**
 * Returns the weight of the entropy bonus. It falls linearly with the entropy of the samples, estimated by -log pi of
 * their tokens, and is 0 at `target` and above.
 */
export function entropyCoefficient(
  { coefficient, target }: LearnSettings['entropy'],
  judged: readonly JudgedGroup[],
): number {
  if (target === null || coefficient === 0) return coefficient;
  const logprobs = judged.flatMap(({ group }) => group.samples.flatMap((sample) => sample.logprobs));
  const entropy = -logprobs.reduce((sum, logprob) => sum + logprob, 0) / Math.max(1, logprobs.length);
  return coefficient * Math.max(0, 1 - entropy / target);
}
