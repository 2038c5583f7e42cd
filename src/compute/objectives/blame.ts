/**
 * Which tokens of a response a negative advantage reaches. With `learner.blame: step` those before the first fault that
 * a check found are spared, as in step-level credit (Math-Shepherd, arXiv 2312.08935; VinePPO, arXiv 2410.01679), here
 * from the response's own work instead of a learnt or sampled value.
 */
import { falseFrom } from '../../learn/blame.ts';
import type { RolloutGroup, Sample } from '../../protocol/messages.ts';
import type { Decode, Step } from './objective.ts';

/** Index of the first token of response `i` that a negative advantage reaches. */
export function firstPenalised(
  { samples, checks }: RolloutGroup,
  i: number,
  { settings, decode }: Pick<Step<{ readonly type: string }>, 'settings' | 'decode'>,
): number {
  const offset = settings.blame === 'step' ? falseFrom(checks, i) : 0;
  return offset === 0 ? 0 : tokenAt(samples[i]!, offset, decode);
}

/** Index of the token that ends behind `offset` in the text; 0 where none does: the text is of other tokens. */
function tokenAt({ tokens }: Pick<Sample, 'tokens'>, offset: number, decode: Decode): number {
  let [low, high] = [0, tokens.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (decode(tokens.slice(0, middle + 1)).length > offset) high = middle;
    else low = middle + 1;
  }
  return low === tokens.length ? 0 : low;
}
