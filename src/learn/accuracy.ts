/** Accuracy of sampled answers against a label, per question; the evaluator averages over questions. */
import { majorityVote } from './vote.ts';

/** Share of correct samples, an estimate of pass@1; 0 without samples. */
export function passAt1(correct: readonly boolean[]): number {
  return correct.length === 0 ? 0 : correct.filter(Boolean).length / correct.length;
}

/**
 * Probability that at least one of k samples drawn without replacement from these n is correct: `1 - C(n-c, k) / C(n,
 * k)`, the unbiased estimator of pass@k (Chen et al. 2021, arXiv 2107.03374, eq. 1), as a product so that it does not
 * overflow.
 * @throws RangeError unless 1 <= k <= n.
 */
export function passAtK(correct: readonly boolean[], k: number): number {
  const n = correct.length;
  if (!Number.isInteger(k) || k < 1 || k > n) throw new RangeError(`pass@k needs 1 <= k <= ${n} samples, got k = ${k}`);
  const wrong = n - correct.filter(Boolean).length;
  let allWrong = 1;
  for (let i = 0; i < k; i++) allWrong *= Math.max(0, wrong - i) / (n - i);
  return 1 - allWrong;
}

/**
 * maj@k: is the majority's answer correct? `classes` as in `majorityVote`, over the k samples given. The class is
 * judged by its first member, whose answer would be reported.
 */
export function majorityCorrect(classes: readonly number[], correct: readonly boolean[]): boolean {
  const { winner, votes } = majorityVote(classes);
  return votes > 0 && (correct[classes.indexOf(winner)] ?? false);
}
