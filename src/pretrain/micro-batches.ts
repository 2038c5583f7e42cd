/** Divides a part of a batch into programs, so that short examples do not pay for the longest. */
import type { EncodedPrompt } from '../compute/models/family.ts';
import type { ProgramSizes } from './recipe.ts';

export interface EncodedExample {
  readonly prompt: EncodedPrompt;
  readonly response: readonly number[];
}

export interface MicroBatch {
  readonly part: readonly EncodedExample[];
  readonly lengths: { readonly promptLength: number; readonly responseLength: number };
}

/** Every example is in one micro-batch, beside examples of about its length. */
export function microBatches(examples: readonly EncodedExample[], sizes: ProgramSizes): readonly MicroBatch[] {
  const { examples: size = examples.length, promptLengths, responseLengths } = sizes;
  const sorted = size === examples.length ? examples : examples.toSorted((a, b) => room(a, sizes) - room(b, sizes));
  const batches: MicroBatch[] = [];
  for (let start = 0; start < sorted.length; start += size) {
    const part = sorted.slice(start, start + size);
    const promptLength = Math.max(...part.map(({ prompt }) => fitting(prompt.ids.length, promptLengths)));
    const responseLength = Math.max(...part.map(({ response }) => fitting(response.length, responseLengths)));
    batches.push({ part, lengths: { promptLength, responseLength } });
  }
  return batches;
}

/** The tokens that a program needs for the example. */
function room({ prompt, response }: EncodedExample, { promptLengths, responseLengths }: ProgramSizes): number {
  return fitting(prompt.ids.length, promptLengths) + fitting(response.length, responseLengths);
}

/** The smallest length that holds `length` tokens. @throws RangeError when none does. */
function fitting(length: number, lengths: readonly number[]): number {
  const found = lengths.find((each) => each >= length);
  if (found === undefined)
    throw new RangeError(`an example has ${length} tokens, the longest program ${lengths.at(-1)}`);
  return found;
}
