/**
 * One learner step: a batch of judged groups becomes a few optimizer updates. Everything per token that is not a gradient is worked out here in
 * plain numbers: the policy that ratios are clipped around, and importance weights of stale groups.
 */
import type { Batch, JudgedGroup, StepMetrics } from '../protocol/messages.ts';
import type { RunningModel } from './decoding.ts';
import { encodeQuestion } from './prompts.ts';
import type { EncodedPrompt } from './model/batch.ts';
import type { PromptEncoder } from './model/prompt.ts';
import type { GrpoSettings } from './loss.ts';
import { learningRateAt, type RateSettings } from './schedule.ts';
import { score } from './score.ts';
import type { StepOutcome, Trainer, TrainGroup } from './trainer.ts';

/**
 * What is done about groups sampled by an older version than the batch starts from. Their ratio is taken to the proximal policy, the one the
 * batch starts from, and weighted by w = proximal / sampler:
 * `truncated` with min(w, cap) (Yao et al. 2025), `decoupled` with w, and 0 where w > cap (AReaL, arXiv 2505.24298).
 */
export type Correction = { readonly type: 'none' } | { readonly type: 'truncated' | 'decoupled'; readonly cap: number };

export interface LearnSettings extends GrpoSettings, RateSettings {
  /** Optimizer updates a step; each takes its share of the groups. */
  readonly minibatches: number;
  readonly correction: Correction;
  /** The sampler's; 0 counts as 1. */
  readonly temperature: number;
  /** Groups in one forward and backward pass. */
  readonly microBatchGroups: number;
}

export interface Learner {
  readonly trainer: Trainer;
  readonly encoder: PromptEncoder;
  /** The weights being learnt. */
  readonly model: RunningModel;
  /** The frozen base. */
  readonly base: () => Promise<RunningModel>;
}

interface Encoded {
  readonly judged: JudgedGroup;
  readonly prompt: EncodedPrompt;
}

/** @throws InputError when a question's picture is gone. */
export async function learnBatch(learner: Learner, batch: Batch, settings: LearnSettings): Promise<StepMetrics> {
  const started = performance.now();
  const encoded: Encoded[] = [];
  for (const judged of batch.groups) encoded.push({ judged, prompt: await encodeQuestion(learner.encoder, judged.group.question) });
  const groups = await trainGroups(learner, encoded, batch.parent, settings);
  const learningRate = learningRateAt(batch.parent, settings);
  const { clipRange, dualClip, klCoefficient } = settings;
  const objective = { type: 'grpo', temperature: settings.temperature || 1, clipRange, dualClip, klCoefficient } as const;
  const outcomes: StepOutcome[] = [];
  for (const part of parts(groups, settings.minibatches)) outcomes.push(await learner.trainer.step(part, { objective, learningRate }));
  return { ...means(outcomes), learningRate, seconds: (performance.now() - started) / 1000 };
}

/** At most `count` runs of equal size, give or take one; groups without a token are left out. */
function parts(groups: readonly TrainGroup[], count: number): TrainGroup[][] {
  const taught = groups.filter((group) => group.responses.some((response) => response.tokens.length > 0));
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.round((i * taught.length) / count));
  return bounds.slice(1).flatMap((end, i) => (end > bounds[i]! ? [taught.slice(bounds[i], end)] : []));
}

function means(outcomes: readonly StepOutcome[]): Omit<StepMetrics, 'learningRate' | 'seconds'> {
  const tokens = outcomes.reduce((sum, outcome) => sum + outcome.tokens, 0);
  const mean = (name: Exclude<keyof StepOutcome, 'tokens'>): number =>
    outcomes.reduce((sum, outcome) => sum + (outcome[name] ?? 0) * outcome.tokens, 0) / tokens;
  return {
    loss: mean('loss'),
    kl: mean('kl'),
    entropy: mean('entropy'),
    clipFraction: mean('clipFraction'),
    ratio: mean('ratio'),
    gradNorm: mean('gradNorm'),
    tokens,
  };
}

async function trainGroups(learner: Learner, encoded: readonly Encoded[], parent: number, settings: LearnSettings): Promise<TrainGroup[]> {
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

async function scored(model: RunningModel, items: readonly Encoded[], settings: LearnSettings): Promise<Map<Encoded, number[][]>> {
  const groups = items.map(({ judged, prompt }) => ({ prompt, responses: judged.group.samples.map((sample) => sample.tokens) }));
  const { temperature, microBatchGroups } = settings;
  const scores = await score(model, groups, { temperature: temperature || 1, microBatchGroups });
  return new Map(items.map((item, i) => [item, scores[i]!]));
}
