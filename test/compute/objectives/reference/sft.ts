/** Cross-entropy, the mean over the tokens of all responses. */
import { mean, type Reference } from './reference.ts';

export const reference: Reference = (responses) => mean(responses.flat().map(({ logp }) => -logp));
