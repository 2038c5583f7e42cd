/** One learner step: a batch of judged groups becomes a few optimizer updates, by the objective of the settings. */
import type { Batch, StepMetrics } from '../../protocol/messages.ts';
import { reinforce } from './grpo.ts';
import { imitate } from './imitation.ts';
import type { Encoded, Learner, LearnObjective, LearnSettings, Step } from './learner.ts';
import { prefer } from './preference.ts';
import { encodeQuestion } from '../rollout/prompts.ts';
import { learningRateAt } from '../training/schedule.ts';
import type { StepOutcome } from '../training/trainer.ts';

type Teach = { readonly [O in LearnObjective['type']]: (learner: Learner, encoded: readonly Encoded[], step: Step<O>) => Promise<StepOutcome[]> };

const TEACH: Teach = { grpo: reinforce, sft: imitate, dpo: prefer };

/** @throws InputError when a question's picture is gone. */
export async function learnBatch(learner: Learner, batch: Batch, configured: LearnSettings): Promise<StepMetrics> {
  const started = performance.now();
  const settings = { ...configured, ...batch.settings };
  const encoded: Encoded[] = [];
  for (const judged of batch.groups) encoded.push({ judged, prompt: await encodeQuestion(learner.encoder, judged.group.question) });
  const learningRate = learningRateAt(batch.parent, settings);
  const teach = TEACH[settings.objective.type] as (learner: Learner, encoded: readonly Encoded[], step: unknown) => Promise<StepOutcome[]>;
  const outcomes = await teach(learner, encoded, { settings, parent: batch.parent, learningRate });
  return { ...means(outcomes), ...sampledKl(batch, settings), learningRate, seconds: (performance.now() - started) / 1000 };
}

function means(outcomes: readonly StepOutcome[]): Omit<StepMetrics, 'learningRate' | 'seconds'> {
  const tokens = outcomes.reduce((sum, outcome) => sum + outcome.tokens, 0);
  const mean = (name: Exclude<keyof StepOutcome, 'tokens'>, absent = 0): number =>
    outcomes.reduce((sum, outcome) => sum + (outcome[name] ?? absent) * outcome.tokens, 0) / Math.max(1, tokens);
  return {
    loss: mean('loss'),
    kl: mean('kl'),
    entropy: mean('entropy'),
    clipFraction: mean('clipFraction'),
    ratio: mean('ratio', 1),
    gradNorm: mean('gradNorm'),
    tokens,
  };
}

/** Objectives without a KL term still show how far the samplers are from the base: k3 over the batch's own tokens. */
function sampledKl(batch: Batch, { objective }: LearnSettings): { readonly kl?: number } {
  if (objective.type === 'grpo') return {};
  const samples = batch.groups.flatMap(({ group }) => group.samples);
  const distances = samples.flatMap(({ logprobs, refLogprobs }) => (refLogprobs ? logprobs.map((logprob, t) => refLogprobs[t]! - logprob) : []));
  return distances.length === 0 ? {} : { kl: distances.reduce((sum, d) => sum + Math.expm1(d) - d, 0) / distances.length };
}
