/** Splits groups into passes of one program, for the learner and the scorer, with few shapes and little padding. */
import type { EncodedPrompt } from '../models/family.ts';
import { bucket } from '../programs/batch.ts';

interface Group<R> {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly R[];
}

/** Coarser than the usual bucket, because every length adds a program to memory. */
const LENGTH_BUCKET = 16;

/**
 * Returns indices of `groups`, at most `size` per pass. Responses are padded to the longest of their pass, so groups
 * of similar length share a pass.
 */
export function inPasses<R>(groups: readonly Group<R>[], size: number, lengthOf: (response: R) => number): number[][] {
  const lengths = groups.map(({ responses }) => Math.max(...responses.map(lengthOf)));
  const order = groups.map((_, at) => at).toSorted((a, b) => lengths[a]! - lengths[b]!);
  return Array.from({ length: Math.ceil(order.length / size) }, (_, pass) =>
    order.slice(pass * size, (pass + 1) * size),
  );
}

/**
 * Fills `groups` up to `size` with groups whose responses are `none`, which has no token, so that one program serves
 * passes of all sizes.
 */
export function filled<R>(groups: readonly Group<R>[], size: number, none: R): readonly Group<R>[] {
  const { prompt, responses } = groups[0]!;
  const empty = { prompt, responses: responses.map(() => none) };
  return [...groups, ...Array.from({ length: size - groups.length }, () => empty)];
}

/** Returns the padded lengths of a pass. */
export function paddedLengths(
  prompts: readonly EncodedPrompt[],
  responses: readonly (readonly (readonly number[])[])[],
) {
  return {
    promptLength: bucket(Math.max(...prompts.map(({ ids }) => ids.length)), LENGTH_BUCKET),
    responseLength: bucket(Math.max(...responses.flat().map((tokens) => tokens.length)), LENGTH_BUCKET),
  };
}
