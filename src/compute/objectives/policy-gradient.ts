/**
 * The shared part of objectives that follow advantages: the reference policy of the ratios, importance weights, the KL
 * penalty, the entropy bonus, the aggregation. Such an objective defines only its differences from GRPO.
 */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import type { z } from 'zod';
import { tokenLoss, type Tf, type TokenLoss } from '../training/token-loss.ts';
import type { TrainGroup } from '../training/trainer.ts';
import { advantagesOf, entropyCoefficient, type AdvantageRule } from './advantages.ts';
import { aggregated, SHARES, type Aggregation } from './aggregation.ts';
import { importances, isCorrected, mismatchOf, type Weighted } from './correction.ts';
import { firstPenalised } from './blame.ts';
import {
  defineObjective,
  type Encoded,
  type Objective,
  type OwnSchema,
  type Prepared,
  type Score,
  type Step,
} from './objective.ts';
import type { LearnSettings } from './settings.ts';
import {
  clippedSurrogate,
  k3,
  klPenalty,
  tokenRatio,
  type Clip,
  type ClipSettings,
  type RatioTensors,
  type Surrogate,
} from './terms.ts';

type Build = (tf: Tf, tensors: RatioTensors & { readonly advantages: Tensor }, clip: ClipSettings) => Surrogate;

export interface PolicyGradient<Schema extends OwnSchema> extends AdvantageRule<LearnSettings<z.output<Schema>>> {
  readonly name: string;
  readonly summary: string;
  readonly settings: Schema;
  /** Used when `learner.clip` is not set. Default: `learner.clipRange` on both sides. */
  readonly clip?: Clip;
  /** Used when `learner.aggregation` is not set. Default: a token mean. */
  readonly aggregation?: Aggregation;
  /** Loss of each token, before weights. Default: PPO's with a ratio for each token. */
  readonly surrogate?: Build;
}

/**
 * Values per token: advantage times importance weight; log pi under the denominator of the ratio; log pi under the
 * base.
 */
const INPUTS = ['advantages', 'oldLogProbs', 'refLogProbs'] as const;
const ENTROPY = 'entropyCoefficient';

const clippedTokens: Build = (tf, tensors, clip) =>
  clippedSurrogate(tf, tokenRatio(tf, tensors), tensors.advantages, clip);

export function policyGradient<Schema extends OwnSchema>(definition: PolicyGradient<Schema>): Objective<Schema> {
  const { name, summary, settings: schema, surrogate = clippedTokens } = definition;
  const aggregationOf = ({ aggregation }: LearnSettings): Aggregation =>
    aggregation ?? definition.aggregation ?? 'token-mean';
  return defineObjective({
    name,
    summary,
    settings: schema,
    followsAdvantages: true,
    clip: (settings) => clipOf(settings, definition.clip),
    loss: (settings) => policyLoss(settings, clipOf(settings, definition.clip), aggregationOf(settings), surrogate),
    prepare: (encoded, step) => prepared(encoded, step, definition),
    revise: (groups, { settings }) => ({ groups: aggregated(groups, aggregationOf(settings), settings.maxNewTokens) }),
  });
}

function clipOf({ clip, clipRange, dualClip }: LearnSettings, own?: Clip): ClipSettings {
  return { low: clip.low ?? own?.low ?? clipRange, high: clip.high ?? own?.high ?? clipRange, dualClip };
}

function policyLoss(
  settings: LearnSettings,
  clip: ClipSettings,
  aggregation: Aggregation,
  surrogate: Build,
): TokenLoss {
  const { objective, temperature, klCoefficient, klEstimator } = settings;
  const [isTokenMean, hasBonus] = [aggregation === 'token-mean', settings.entropy.coefficient > 0];
  const own = {
    ...objective,
    temperature: temperature || 1,
    ...clip,
    klCoefficient,
    klEstimator,
    isTokenMean,
    hasBonus,
  };
  const inputs = [...INPUTS, ...(isTokenMean ? [] : [SHARES]), ...(hasBonus ? [ENTROPY] : [])];
  return tokenLoss(own, inputs, (tf, { logProbs, entropy, weights, mask, values }) => {
    const { advantages, oldLogProbs, refLogProbs } = values as Record<(typeof INPUTS)[number], Tensor>;
    const tensors = { logProbs, oldLogProbs, mask, advantages };
    const weighted = (each: Tensor, by: Tensor) => tf.sum<Scalar>(tf.mul(each, by));
    const shares = values[SHARES] ?? weights;
    const { loss, ratio, clipped } = surrogate(tf, tensors, clip);
    const distance = k3(tf, logProbs, refLogProbs);
    const kl = weighted(distance, shares);
    const penalised = klEstimator === 'k3' ? distance : klPenalty(tf, klEstimator, refLogProbs, tensors);
    const penalty = penalised === distance && shares === weights ? kl : weighted(penalised, weights);
    const total = tf.add<Scalar>(weighted(loss, weights), tf.mul(penalty, klCoefficient));
    return {
      loss: hasBonus ? tf.sub(total, weighted(tf.mul(entropy, values[ENTROPY]!), weights)) : total,
      kl,
      clipFraction: weighted(tf.cast(clipped, 'float32'), shares),
      ratio: weighted(ratio, shares),
      entropy: weighted(entropy, shares),
    };
  });
}

async function prepared<Own extends { readonly type: string }>(
  encoded: readonly Encoded[],
  step: Step<Own>,
  rule: AdvantageRule<LearnSettings<Own>>,
): Promise<Prepared> {
  const { settings, parent } = step;
  const { correction, truncated } = settings;
  const corrected = encoded.filter(({ judged }) => isCorrected(correction, judged.group.policyVersion, parent));
  const proximal = await scored(step.policy, corrected, settings);
  const unscored = encoded.filter(({ judged }) => judged.group.samples.some((sample) => !sample.refLogprobs));
  const reference = await scored(step.base, unscored, settings);
  const judged = encoded.map((item) => item.judged);
  const bonus = entropyCoefficient(settings.entropy, judged);
  const hasBonus = settings.entropy.coefficient > 0;
  const tokens: Weighted[] = [];
  const groups = encoded.map((item): TrainGroup => {
    const advantages = advantagesOf(item.judged, settings, rule);
    const responses = item.judged.group.samples.map(({ tokens: taught, logprobs, refLogprobs, finish }, i) => {
      if (truncated.type === 'mask' && finish === 'length') return { tokens: [] };
      const old = proximal.get(item)?.[i] ?? logprobs;
      const logRatios = old.map((logprob, t) => logprob - logprobs[t]!);
      const weights = importances(logRatios, correction);
      if (proximal.has(item)) tokens.push(...weights.map((weight, t) => ({ logRatio: logRatios[t]!, weight })));
      const from = advantages[i]! < 0 ? firstPenalised(item.judged.group, i, step) : 0;
      const values = { oldLogProbs: old, refLogProbs: refLogprobs ?? reference.get(item)![i]! };
      return {
        tokens: taught,
        values: {
          ...values,
          advantages: weights.map((weight, t) => (t < from ? 0 : advantages[i]! * weight)),
          ...(hasBonus && { [ENTROPY]: weights.map(() => bonus) }),
        },
      };
    });
    return { prompt: item.prompt, responses };
  });
  return {
    groups,
    metrics: { ...mismatchOf(tokens), ...(hasBonus && { entropyCoefficient: bonus }) },
  };
}

/** Scores each group; makes no call when there are no groups. */
async function scored(
  score: Score,
  items: readonly Encoded[],
  { temperature }: LearnSettings,
): Promise<Map<Encoded, number[][]>> {
  if (items.length === 0) return new Map();
  const groups = items.map(({ judged, prompt }) => ({
    prompt,
    responses: judged.group.samples.map((sample) => sample.tokens),
  }));
  const scores = await score(groups, temperature || 1);
  return new Map(items.map((item, i) => [item, scores[i]!]));
}
