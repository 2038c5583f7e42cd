/** What objectives that follow advantages share: the policy that ratios are taken to, importance weights of stale groups, the KL penalty. */
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { tokenLoss, type TokenLoss } from '../training/token-loss.ts';
import type { TrainGroup } from '../training/trainer.ts';
import { clippedLoss, k3, tokenRatio } from './clipped.ts';
import { importance } from './correction.ts';
import type { Encoded, Prepared, Score, Step } from './objective.ts';
import type { LearnSettings } from './settings.ts';

type Own = { readonly type: string };

/** Values per token: advantage times importance weight; log pi under the policy that the ratio is clipped around; log pi under the base. */
const INPUTS = ['advantages', 'oldLogProbs', 'refLogProbs'];

export function clippedPolicyLoss({ objective, temperature, clipRange, dualClip, klCoefficient }: LearnSettings): TokenLoss {
  const settings = { type: objective.type, temperature: temperature || 1, clipRange, dualClip, klCoefficient };
  return tokenLoss(settings, INPUTS, (tf, { logProbs, entropy, weights, values }) => {
    const { advantages, oldLogProbs, refLogProbs } = values as Record<'advantages' | 'oldLogProbs' | 'refLogProbs', Tensor>;
    const ratio = tokenRatio(tf, logProbs, oldLogProbs);
    const { loss, clipped } = clippedLoss(tf, ratio, advantages, settings);
    const mean = (each: Tensor) => tf.sum<Scalar>(tf.mul(each, weights));
    const kl = mean(k3(tf, logProbs, refLogProbs));
    return {
      loss: tf.add(mean(loss), tf.mul(kl, klCoefficient)),
      kl,
      clipFraction: mean(tf.cast(clipped, 'float32')),
      ratio: mean(ratio),
      entropy: mean(entropy),
    };
  });
}

export async function preparePolicyGradient(encoded: readonly Encoded[], step: Step<Own>): Promise<Prepared> {
  const { settings, parent } = step;
  const { correction } = settings;
  const stale = correction.type === 'none' ? [] : encoded.filter(({ judged }) => judged.group.policyVersion < parent);
  const proximal = await scored(step.policy, stale, settings);
  const unscored = encoded.filter(({ judged }) => judged.group.samples.some((sample) => !sample.refLogprobs));
  const reference = await scored(step.base, unscored, settings);
  const groups = encoded.map((item): TrainGroup => {
    const { samples } = item.judged.group;
    return {
      prompt: item.prompt,
      responses: samples.map(({ tokens, logprobs, refLogprobs }, i) => {
        const advantage = item.judged.verdict.advantages[i]!;
        const old = proximal.get(item)?.[i] ?? logprobs;
        const advantages = old.map((logprob, t) => advantage * importance(logprob - logprobs[t]!, correction));
        return { tokens, values: { advantages, oldLogProbs: old, refLogProbs: refLogprobs ?? reference.get(item)![i]! } };
      }),
    };
  });
  return { groups };
}

/** By group; nothing is asked for no groups. */
async function scored(score: Score, items: readonly Encoded[], { temperature }: LearnSettings): Promise<Map<Encoded, number[][]>> {
  if (items.length === 0) return new Map();
  const groups = items.map(({ judged, prompt }) => ({ prompt, responses: judged.group.samples.map((sample) => sample.tokens) }));
  const scores = await score(groups, temperature || 1);
  return new Map(items.map((item, i) => [item, scores[i]!]));
}
