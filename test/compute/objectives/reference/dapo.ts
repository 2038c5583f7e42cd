/** DAPO, arXiv 2503.14476, eq. 8 (one group; no dual clip: its options have an infinite one) and eq. 13. */
import { k3, sum, within, type Reference } from './reference.ts';

export const reference: Reference = (responses, { low, high, klCoefficient }) => {
  const tokens = responses.map((response) => response.length);
  const objective = responses.map((response) =>
    sum(
      response.map(({ logp, logpOld, advantage }) => {
        const r = Math.exp(logp - logpOld);
        return Math.min(r * advantage, within(r, 1 - low, 1 + high) * advantage);
      }),
    ),
  );
  return -sum(objective) / sum(tokens) + (klCoefficient * sum(responses.flat().map(k3))) / sum(tokens);
};

/** R_length(y), eq. 13. */
export function lengthReward(length: number, max: number, cache: number): number {
  if (length <= max - cache) return 0;
  return length <= max ? (max - cache - length) / cache : -1;
}
