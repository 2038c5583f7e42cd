/** The random numbers of a response, one a token. */
import { Random } from '../../data/rng.ts';

/** They depend on these and not on the batch, or on how it is decoded. @param id of the question. */
export function drawsOf(
  { seed, version }: { readonly seed: number; readonly version: number },
  id: string,
  sample: number,
): Random {
  return new Random(seed, 'sample', version, id, sample);
}
