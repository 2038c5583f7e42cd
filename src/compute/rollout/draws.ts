/** The random numbers of a response, one per token. */
import { Random } from '../../data/rng.ts';

/**
 * Returns numbers that depend only on the arguments, not on the batch or on how it is decoded. @param id of the
 * question.
 */
export function drawsOf(
  { seed, version }: { readonly seed: number; readonly version: number },
  id: string,
  sample: number,
): Random {
  return new Random(seed, 'sample', version, id, sample);
}
