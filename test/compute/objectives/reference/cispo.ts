/** CISPO, arXiv 2506.13585, eq. 4 with the clipped weight of eq. 5, which a stop-gradient holds fixed. */
import { k3, mean, within, type Reference } from './reference.ts';

export const reference: Reference = (responses, { low, high, klCoefficient }, fixed) =>
  mean(
    responses.flatMap((response, i) =>
      response.map((token, t) => {
        const held = fixed[i]![t]!;
        const weight = within(Math.exp(held.logp - held.logpOld), 1 - low, 1 + high);
        return -weight * token.advantage * token.logp + klCoefficient * k3(token);
      }),
    ),
  );
