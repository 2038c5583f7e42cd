/** The metrics of a step, from the log-probabilities that the server gives before each update. */
import type { Batch, StepMetrics } from '../../protocol/messages.ts';
import { passSums, type PassSums, type ServerLoss, type taughtOf } from './loss.ts';

/** One mini-batch. */
export interface Outcome {
  readonly responses: ReturnType<typeof taughtOf>;
  /** Of each response's tokens, before the update. */
  readonly logprobs: readonly (readonly number[])[];
  readonly gradNorm: number;
}

export function stepMetrics(
  batch: Batch,
  outcomes: readonly Outcome[],
  loss: ServerLoss,
  klCoefficient: number,
): Omit<StepMetrics, 'learningRate' | 'seconds'> {
  const sums = outcomes.map(({ responses, logprobs }) => passSums(responses, logprobs, loss));
  const tokens = sums.reduce((sum, each) => sum + each.tokens, 0);
  const mean = (of: (sums: PassSums, i: number) => number, absent: number): number =>
    tokens === 0 ? absent : sums.reduce((sum, each, i) => sum + of(each, i), 0) / tokens;
  const kl = mean((each) => each.kl, 0);
  return {
    loss: mean((each) => each.loss * each.tokens, 0) + klCoefficient * kl,
    kl,
    entropy: mean((each) => each.entropy, 0),
    clipFraction: mean((each) => each.clipped, 0),
    ratio: mean((each) => each.ratio, 1),
    gradNorm: mean((each, i) => outcomes[i]!.gradNorm * each.tokens, 0),
    tokens,
    ...samplerGap(batch, outcomes[0]),
  };
}

/** Over the first mini-batch: after its update the weights are no longer those of a version. */
function samplerGap(batch: Batch, first: Outcome | undefined): Pick<StepMetrics, 'samplerGap' | 'samplerGapMax'> {
  const samples = batch.groups.flatMap(({ group }) => group.samples);
  const sampled = new Map(samples.map(({ tokens, logprobs }) => [tokens, logprobs]));
  const distances = (first?.responses ?? []).flatMap(({ tokens }, i) =>
    (sampled.get(tokens) ?? []).map((logprob, t) => Math.abs(logprob - first!.logprobs[i]![t]!)),
  );
  if (distances.length === 0) return {};
  const sum = distances.reduce((total, distance) => total + distance, 0);
  return { samplerGap: sum / distances.length, samplerGapMax: distances.reduce((a, b) => Math.max(a, b)) };
}
