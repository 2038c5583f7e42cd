/** What a training step learns from, and the inputs of a pass over it. */
import { f32, type HostTensor } from '../../protocol/tensor.ts';
import type { Architecture, EncodedPrompt } from '../models/family.ts';
import { planPolicy } from '../programs/policy-forward.ts';
import { VALUE } from './loss-gradients.ts';
import type { Pass } from './passes.ts';
import type { TokenLoss } from './token-loss.ts';

/** One response to learn from; the arrays are parallel to `tokens`. */
export interface TrainResponse {
  readonly tokens: readonly number[];
  /** Weight of each token in a token mean, 1 by default. */
  readonly weights?: ArrayLike<number>;
  /** The inputs of the loss. */
  readonly values?: Readonly<Record<string, ArrayLike<number>>>;
  /** log pi of each token under the sampler; the step measures its distance to the learner's. */
  readonly sampled?: ArrayLike<number>;
}

/** A prompt and its G responses; all groups of a step have the same G. */
export interface TrainGroup {
  readonly prompt: EncodedPrompt;
  readonly responses: readonly TrainResponse[];
}

/** Returns the number of response tokens. */
export function countTokens(groups: readonly TrainGroup[]): number {
  return groups.reduce(
    (sum, group) => sum + group.responses.reduce((count, response) => count + response.tokens.length, 0),
    0,
  );
}

/**
 * `tokens` is the number of response tokens of the whole mini-batch. @throws RangeError naming the array that is
 * missing or too short.
 */
export function planPass(model: Architecture, pass: Pass<TrainResponse>, tokens: number, loss: TokenLoss) {
  const { groups } = pass;
  const responses = groups.map((group) => group.responses.map((response) => response.tokens));
  const prompts = groups.map((group) => group.prompt);
  const { shape, feeds } = planPolicy(model, prompts, responses, pass);
  const width = shape.responseLength;
  const flat = groups.flatMap((group) => group.responses);
  const place = (name: string, valuesOf: (response: TrainResponse) => ArrayLike<number> | undefined): HostTensor => {
    const data = new Float32Array(flat.length * width);
    flat.forEach((response, row) => {
      const values = valuesOf(response);
      if ((values?.length ?? 0) !== response.tokens.length) {
        throw new RangeError(
          `response ${row} has ${response.tokens.length} tokens but ${values?.length ?? 'no'} ${name}`,
        );
      }
      data.set(Float32Array.from(values ?? []), row * width);
    });
    return f32([flat.length, width], data);
  };
  feeds['tokenWeights'] = place('weights', (response) => tokenWeights(response, tokens));
  for (const name of loss.inputs) feeds[VALUE + name] = place(name, ({ values }) => values?.[name]);
  return { shape, feeds };
}

/** Returns each token's share of a mean over `tokens` tokens. */
function tokenWeights(response: TrainResponse, tokens: number): Float32Array {
  return Float32Array.from(response.tokens, (_, t) => (response.weights?.[t] ?? 1) / tokens);
}
