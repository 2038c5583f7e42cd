/** GRPO: everything per token that is not a gradient, worked out in plain numbers: the policy that ratios are clipped around, and importance weights of stale groups. */
import { minibatches, scored, type Correction, type Encoded, type Learner, type Step } from './learner.ts';
import type { StepOutcome, TrainGroup } from '../training/trainer.ts';

export async function reinforce(learner: Learner, encoded: readonly Encoded[], step: Step<'grpo'>): Promise<StepOutcome[]> {
  const { settings, learningRate } = step;
  const { clipRange, dualClip, klCoefficient } = settings;
  const groups = (await trainGroups(learner, encoded, step)).filter(({ responses }) => responses.some(({ tokens }) => tokens.length > 0));
  const objective = { type: 'grpo', temperature: settings.temperature || 1, clipRange, dualClip, klCoefficient } as const;
  const outcomes: StepOutcome[] = [];
  for (const part of minibatches(groups, settings.minibatches)) outcomes.push(await learner.trainer.step(part, { objective, learningRate }));
  return outcomes;
}

async function trainGroups(learner: Learner, encoded: readonly Encoded[], { settings, parent }: Step<'grpo'>): Promise<TrainGroup[]> {
  const { correction } = settings;
  const stale = correction.type === 'none' ? [] : encoded.filter(({ judged }) => judged.group.policyVersion < parent);
  const proximal = await scored(learner.model, stale, settings);
  const unscored = encoded.filter(({ judged }) => judged.group.samples.some((sample) => !sample.refLogprobs));
  const reference = unscored.length > 0 ? await scored(await learner.base(), unscored, settings) : new Map<Encoded, number[][]>();
  return encoded.map((item) => {
    const { samples } = item.judged.group;
    return {
      prompt: item.prompt,
      responses: samples.map(({ tokens, logprobs, refLogprobs }, i) => {
        const advantage = item.judged.verdict.advantages[i]!;
        const old = proximal.get(item)?.[i] ?? logprobs;
        return {
          tokens,
          advantages: old.map((logprob, t) => advantage * importance(logprob - logprobs[t]!, correction)),
          oldLogProbs: old,
          refLogProbs: refLogprobs ?? reference.get(item)![i]!,
        };
      }),
    };
  });
}

/** Weight of a token whose proximal / sampler log ratio is `logRatio`; 1 where they are the same. */
export function importance(logRatio: number, correction: Correction): number {
  if (correction.type === 'none') return 1;
  const weight = Math.exp(logRatio);
  if (correction.type === 'truncated') return Math.min(weight, correction.cap);
  return weight > correction.cap ? 0 : weight;
}
