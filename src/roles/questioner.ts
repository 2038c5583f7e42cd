/**
 * The questioner: the data set's questions, each once per epoch, in an order that depends only on the seed. Data that
 * changes between two starts starts a new epoch.
 */
import type { Dataset } from '../data/dataset.ts';
import { Random } from '../data/rng.ts';
import { InputError } from '../protocol/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Question } from '../protocol/messages.ts';
import type { Call } from '../protocol/performer.ts';
import type { Ask, AskRequest } from '../protocol/ports.ts';

/** @param since first sequence number that uses the present data. */
export function questioner(dataset: Dataset, seed: number, since = 0) {
  let epoch = -1;
  let order: readonly number[] = [];

  /**
   * Question number `sequence` since the last change of the data: place `sequence % size` of epoch `sequence / size`.
   */
  const at = (sequence: number): Question => {
    const wanted = Math.floor(sequence / dataset.size);
    if (wanted !== epoch) {
      epoch = wanted;
      order = new Random(seed, 'questions', ...(since > 0 ? [since] : []), epoch).shuffle(
        Array.from({ length: dataset.size }, (_, i) => i),
      );
    }
    return dataset.question(order[sequence % dataset.size]!);
  };

  return async ({ from, count }: { readonly from: number; readonly count: number }): Promise<readonly Question[]> => {
    if (dataset.size > 0) return Array.from({ length: count }, (_, i) => at(from + i - since));
    throw new InputError(
      `${dataset.name} has no questions, and no plug-in asks any now: list or restart one that does, or set synthesis.mode`,
    );
  };
}

export function asking(request: AskRequest, { sampleSeconds }: Config['timeouts']): Call<Ask, readonly Question[]> {
  const { count } = request;
  return {
    doing: `choosing ${count} question${count === 1 ? '' : 's'}`,
    seconds: sampleSeconds,
    run: (port, signal) => port(request, signal),
  };
}
