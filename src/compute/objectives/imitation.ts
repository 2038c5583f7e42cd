/** Supervised fine-tuning on the loop's own responses: cross-entropy on those that were rewarded, a token mean. */
import { minibatches, type Encoded, type Learner, type Step } from './learner.ts';
import type { StepOutcome } from '../training/trainer.ts';

export async function imitate({ trainer }: Learner, encoded: readonly Encoded[], { settings, learningRate }: Step<'sft'>): Promise<StepOutcome[]> {
  const groups = encoded.map(({ prompt, judged: { group, verdict } }) => ({
    prompt,
    // A response that is not imitated keeps its place, empty, so that all groups have the same G.
    responses: group.samples.map(({ tokens }, i) => ({ tokens: verdict.rewards[i]! > 0 ? tokens : [] })),
  }));
  const taught = groups.filter(({ responses }) => responses.some(({ tokens }) => tokens.length > 0));
  const outcomes: StepOutcome[] = [];
  for (const part of minibatches(taught, settings.minibatches)) outcomes.push(await trainer.step(part, { objective: { type: 'sft' }, learningRate }));
  return outcomes;
}
