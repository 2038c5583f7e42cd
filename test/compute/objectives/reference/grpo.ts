/** PPO's clip with the dual clip (arXiv 1912.09729, eq. 5) and k3; the mean over the tokens of all responses. */
import { k3, mean, within, type Reference } from './reference.ts';

export const reference: Reference = (responses, { low, high, dualClip, klCoefficient }) =>
  mean(
    responses.flat().map((token) => {
      const [ratio, a] = [Math.exp(token.logp - token.logpOld), token.advantage];
      const surrogate = Math.min(ratio * a, within(ratio, 1 - low, 1 + high) * a);
      return -(a < 0 ? Math.max(surrogate, dualClip * a) : surrogate) + klCoefficient * k3(token);
    }),
  );
