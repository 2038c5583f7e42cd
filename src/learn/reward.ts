/** Rewards other than the vote. */
import { mean } from '../lib/mean.ts';
import type { Classifier, Reward } from './judge.ts';

/**
 * 1 for the right answer (RLVR). Needs labels, which the loop itself never has: for supervised baselines only. `label`
 * gives a question's answer by its id. A response without an answer, or to a question without a label, earns 0.
 */
export function labelReward(label: (questionId: string) => string | undefined, grader: Classifier): Reward {
  return async ({ question }, answers) => {
    const truth = label(question.id);
    if (truth === undefined) return answers.map(() => 0);
    const [right, ...classes] = await grader.classify([truth, ...answers]);
    return classes.map((own) => Number(own === right));
  };
}

/**
 * The model's own confidence in its response: the mean log-probability of its tokens (the self-generated score of
 * Calibrated Self-Rewarding, Zhou et al. 2024, arXiv 2405.14622, section 3.1, with the length normalised). A response
 * without an answer earns the least of its group.
 */
export const likelihoodReward: Reward = ({ samples }, answers) => {
  const means = samples.map(({ logprobs }) => mean(logprobs));
  const least = Math.min(...means);
  return means.map((own, i) => (answers[i] === null ? least : own));
};
