/** GSPO, arXiv 2507.18071, eq. 5 with the importance ratio of eq. 7. All tokens of a response have its advantage. */
import { k3, mean, within, type Reference } from './reference.ts';

export const reference: Reference = (responses, { low, high, klCoefficient }) =>
  mean(
    responses.map((response) => {
      const a = response[0]!.advantage;
      const s = Math.exp(mean(response.map(({ logp, logpOld }) => logp - logpOld)));
      return -Math.min(s * a, within(s, 1 - low, 1 + high) * a) + klCoefficient * mean(response.map(k3));
    }),
  );
