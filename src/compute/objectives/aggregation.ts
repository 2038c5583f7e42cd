/**
 * How the losses of tokens become one number, over the N responses of a mini-batch that have tokens:
 *
 *     token-mean      sum of all / (tokens of all)                                DAPO, arXiv 2503.14476, eq. 8
 *     sequence-mean   mean over responses of the mean over their tokens           GRPO, arXiv 2402.03300, eq. 3
 *     fixed-length    sum of all / (N * the longest response that is allowed)     Dr. GRPO, arXiv 2503.20783: long answers weigh no less
 */
import type { TrainGroup } from '../training/trainer.ts';

export const AGGREGATIONS = ['token-mean', 'sequence-mean', 'fixed-length'] as const;

export type Aggregation = (typeof AGGREGATIONS)[number];

/**
 * Each token's share of a mean over all tokens of the mini-batch. Metrics use these weights when the loss has other
 * weights.
 */
export const SHARES = 'shares';

/**
 * Returns the groups of a mini-batch with the weights of the aggregation. The trainer divides weights by the number of
 * tokens, so that 1 is a token mean.
 */
export function aggregated(
  groups: readonly TrainGroup[],
  aggregation: Aggregation,
  maxNewTokens: number,
): readonly TrainGroup[] {
  if (aggregation === 'token-mean') return groups;
  const lengths = groups
    .flatMap(({ responses }) => responses.map(({ tokens }) => tokens.length))
    .filter((length) => length > 0);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return groups.map((group) => ({
    ...group,
    responses: group.responses.map((response) => {
      const { tokens, values } = response;
      const weight = total / (lengths.length * (aggregation === 'sequence-mean' ? tokens.length : maxNewTokens));
      return {
        ...response,
        weights: tokens.map(() => weight),
        values: { ...values, [SHARES]: tokens.map(() => 1 / total) },
      };
    }),
  }));
}
