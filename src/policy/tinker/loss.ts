/**
 * The loss of a Tinker API that is nearest to an objective. Both clip the importance ratio of each token; a server has
 * no dual clip, no entropy bonus and no KL term. So the penalty goes into the advantages: each token's falls by
 * beta * (log pi_old - log pi_ref), whose gradient is that of the KL estimator k2 where pi is near pi_old. Advantages
 * are scaled by the weight of each token in the objective's mean, because a server adds up the losses of tokens.
 */
import { objectiveOf } from '../../compute/objectives/registry.ts';
import type { LearnSettings } from '../../compute/objectives/settings.ts';
import type { TrainGroup } from '../../compute/training/train-group.ts';
import { InputError } from '../../protocol/errors.ts';
import type { ServerPrompt } from './prompts.ts';
import { tensor, tokensIn, type Chunk, type Datum } from './wire.ts';

export interface ServerLoss {
  readonly loss_fn: 'ppo' | 'cispo';
  /** Bounds of the ratio. */
  readonly loss_fn_config: { readonly clip_low_threshold: number; readonly clip_high_threshold: number };
}

/** Objectives whose loss a server has but for the differences above. */
const NEAREST: Readonly<Record<string, ServerLoss['loss_fn']>> = {
  grpo: 'ppo',
  'dr-grpo': 'ppo',
  dapo: 'ppo',
  cispo: 'cispo',
};

/** @throws InputError where no loss of a server is near. */
export function lossOf(settings: LearnSettings): ServerLoss {
  const { type } = settings.objective;
  const loss_fn = NEAREST[type];
  if (loss_fn === undefined)
    throw new InputError(
      `\`learner.objective.type\` is "${type}", and a Tinker server has no such loss: set ${Object.keys(NEAREST).join(', ')}`,
    );
  if (settings.entropy.coefficient > 0)
    throw new InputError(
      `\`learner.entropy.coefficient\` is ${settings.entropy.coefficient}, and a Tinker server has no entropy bonus: set 0`,
    );
  const { low, high } = objectiveOf(settings.objective).clip!(settings);
  return { loss_fn, loss_fn_config: { clip_low_threshold: 1 - low, clip_high_threshold: 1 + high } };
}

/** How the server's loss differs from the objective, for the user. */
export function lossWords(settings: LearnSettings, { loss_fn, loss_fn_config }: ServerLoss, name: string): string {
  const { clip_low_threshold: low, clip_high_threshold: high } = loss_fn_config;
  const { klCoefficient } = settings;
  const others = [
    'no dual clip',
    ...(klCoefficient > 0
      ? [`the KL penalty (${klCoefficient}) is part of the advantages, with the gradient of k2`]
      : []),
    'the entropy is estimated from the samples',
    'the server chooses the adapted layers and alpha',
  ];
  return `${name} learns ${settings.objective.type} with its loss ${loss_fn}, ratios clipped to [${low}, ${high}]; differences from this machine: ${others.join(', ')}`;
}

/** A response with its values per token, as the objective prepared it. */
interface Taught {
  readonly prompt: ServerPrompt;
  readonly tokens: readonly number[];
  readonly old: ArrayLike<number>;
  readonly ref: ArrayLike<number>;
  /** Before the KL penalty. */
  readonly advantages: ArrayLike<number>;
  /** Of each token in the mean; they add up to about 1 over a mini-batch. */
  readonly shares: readonly number[];
}

/** The responses with tokens of a mini-batch. */
export function taughtOf(groups: readonly TrainGroup[]): readonly Taught[] {
  const lengths = groups.flatMap(({ responses }) => responses.map(({ tokens }) => tokens.length));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return groups.flatMap(({ prompt, responses }) =>
    responses
      .filter(({ tokens }) => tokens.length > 0)
      .map(({ tokens, values, weights }): Taught => {
        const { advantages, oldLogProbs: old, refLogProbs: ref } = values!;
        const shares = tokens.map((_, t) => (weights?.[t] ?? 1) / total);
        return { prompt: prompt as ServerPrompt, tokens, old: old!, ref: ref!, advantages: advantages!, shares };
      }),
  );
}

export function learnDatum({ prompt, tokens, old, ref, advantages, shares }: Taught, klCoefficient: number): Datum {
  const weighted = tokens.map((_, t) => shares[t]! * (advantages[t]! - klCoefficient * (old[t]! - ref[t]!)));
  return datum(prompt.chunks, tokens, { logprobs: Array.from(old), advantages: weighted });
}

/** For a pass that scores. */
export function scoreDatum({ chunks }: ServerPrompt, tokens: readonly number[]): Datum {
  return datum(chunks, tokens, {});
}

/** A sequence shifted by one; what is parallel to the response is padded to it. */
function datum(chunks: readonly Chunk[], tokens: readonly number[], values: Record<string, readonly number[]>): Datum {
  const before = Array<number>(tokensIn(chunks) - 1).fill(0);
  const given = tokens.slice(0, -1);
  const padded = Object.entries(values).map(([name, each]) => [name, tensor([...before, ...each])] as const);
  return {
    model_input: { chunks: given.length > 0 ? [...chunks, { type: 'encoded_text', tokens: given }] : chunks },
    loss_fn_inputs: {
      target_tokens: tensor([...before, ...tokens], 'int64'),
      weights: tensor([...before, ...tokens.map(() => 1)]),
      ...Object.fromEntries(padded),
    },
  };
}

/** Sums over the tokens of a mini-batch that become the step's metrics. */
export interface PassSums {
  readonly tokens: number;
  readonly loss: number;
  readonly kl: number;
  readonly entropy: number;
  readonly clipped: number;
  readonly ratio: number;
}

/** @param logprobs of each response under the policy before the update. */
export function passSums(
  taught: readonly Taught[],
  logprobs: readonly (readonly number[])[],
  { loss_fn, loss_fn_config: { clip_low_threshold: low, clip_high_threshold: high } }: ServerLoss,
): PassSums {
  const sums = { tokens: 0, loss: 0, kl: 0, entropy: 0, clipped: 0, ratio: 0 };
  taught.forEach(({ tokens, old, ref, advantages, shares }, i) =>
    tokens.forEach((_, t) => {
      const [now, advantage] = [logprobs[i]![t]!, advantages[t]!];
      const ratio = Math.exp(now - old[t]!);
      const within = Math.min(Math.max(ratio, low), high);
      const gain = loss_fn === 'cispo' ? within * now * advantage : Math.min(ratio * advantage, within * advantage);
      sums.tokens += 1;
      sums.loss -= shares[t]! * gain;
      sums.kl += Math.expm1(ref[t]! - now) - (ref[t]! - now);
      sums.entropy -= now;
      sums.clipped += Number(loss_fn === 'cispo' ? within !== ratio : within * advantage < ratio * advantage);
      sums.ratio += ratio;
    }),
  );
  return sums;
}
