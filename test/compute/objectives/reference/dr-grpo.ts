/**
 * Dr. GRPO, arXiv 2503.20783, section 3.2: 1 / |o_i| is gone, in its place stands the constant generation budget; so is
 * the std.
 */
import { k3, mean, sum, within, type Reference } from './reference.ts';

export const reference: Reference = (responses, { low, high, klCoefficient, maxNewTokens }) =>
  mean(
    responses.map((response) => {
      const terms = response.map((token) => {
        const r = Math.exp(token.logp - token.logpOld);
        return (
          Math.min(r * token.advantage, within(r, 1 - low, 1 + high) * token.advantage) - klCoefficient * k3(token)
        );
      });
      return -sum(terms) / maxNewTokens;
    }),
  );

/** The advantage, R - mean(R). */
export const advantages = (rewards: readonly number[]): number[] => rewards.map((reward) => reward - mean(rewards));
