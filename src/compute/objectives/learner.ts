/** What a learner step has to work with, whatever its objective. */
import type { JudgedGroup } from '../../protocol/messages.ts';
import type { RunningModel } from '../rollout/decoding.ts';
import type { GrpoSettings } from '../training/loss.ts';
import type { EncodedPrompt } from '../programs/batch.ts';
import type { PromptEncoder } from '../models/qwen2_5_vl/prompt.ts';
import type { RateSettings } from '../training/schedule.ts';
import { score } from '../training/score.ts';
import type { Trainer } from '../training/trainer.ts';

/**
 * What is done about groups sampled by an older version than the batch starts from. Their ratio is taken to the proximal policy, the one the
 * batch starts from, and weighted by w = proximal / sampler:
 * `truncated` with min(w, cap) (Yao et al. 2025), `decoupled` with w, and 0 where w > cap (AReaL, arXiv 2505.24298).
 */
export type Correction = { readonly type: 'none' } | { readonly type: 'truncated' | 'decoupled'; readonly cap: number };

/**
 * `grpo` (the default) follows the advantages; `sft` imitates the responses whose reward is above 0; `dpo` prefers a group's response of
 * highest reward to that of lowest.
 */
export type LearnObjective = { readonly type: 'grpo' } | { readonly type: 'sft' } | PreferenceObjective;

/** See preference.ts. */
export interface PreferenceObjective {
  readonly type: 'dpo';
  readonly beta: number;
  readonly imitation: number;
}

export interface LearnSettings extends GrpoSettings, RateSettings {
  readonly objective: LearnObjective;
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

export interface Encoded {
  readonly judged: JudgedGroup;
  readonly prompt: EncodedPrompt;
}

/** A step with objective O. */
export interface Step<O extends LearnObjective['type']> {
  readonly settings: LearnSettings & { readonly objective: { readonly type: O } };
  /** Version that it starts from. */
  readonly parent: number;
  readonly learningRate: number;
}

/** A prompt with some responses; what both trainer and scorer take. */
interface Group {
  readonly responses: readonly unknown[];
}

/** At most `count` runs of equal size, give or take one, each for one optimizer update. */
export function minibatches<G extends Group>(groups: readonly G[], count: number): G[][] {
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.round((i * groups.length) / count));
  return bounds.slice(1).flatMap((end, i) => (end > bounds[i]! ? [groups.slice(bounds[i], end)] : []));
}

/** log-probabilities of every token of every sample under `model`, by group. */
export async function scored(model: RunningModel, items: readonly Encoded[], settings: LearnSettings): Promise<Map<Encoded, number[][]>> {
  const groups = items.map(({ judged, prompt }) => ({ prompt, responses: judged.group.samples.map((sample) => sample.tokens) }));
  const { temperature, microBatchGroups } = settings;
  const scores = await score(model, groups, { temperature: temperature || 1, microBatchGroups });
  return new Map(items.map((item, i) => [item, scores[i]!]));
}
