/** The built-in roles as one plug-in: definePlugin is the one way in, for them and for the user's. */
import type { Config } from '../config/schema.ts';
import type { Dataset, Labels } from '../data/dataset.ts';
import type { Classifier } from '../learn/judge.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../plugin/define.ts';
import type { Policy } from '../policy/policy.ts';
import { evaluator } from './evaluator.ts';
import type { EarlierAnswers } from './label-free.ts';
import { learner } from './learner.ts';
import { questioner } from './questioner.ts';
import { sampler } from './sampler.ts';
import { synthesizer } from './synthesizer.ts';
import { voter } from './voter.ts';

export interface BuiltInParts {
  readonly config: Config;
  readonly policy: Policy;
  readonly train: Dataset;
  readonly heldOut: Dataset;
  /** See `questioner`. */
  readonly since: number;
  /** Passed to the evaluator only. */
  readonly labels: Labels;
  readonly grader: Classifier;
  /** Earlier versions' answers to held-out questions. */
  readonly earlier: () => EarlierAnswers;
}

export function builtIns({
  config,
  policy,
  train,
  heldOut,
  labels,
  grader,
  since,
  earlier,
}: BuiltInParts): PluginDefinition<undefined> {
  return definePlugin({
    name: 'built-in',
    apiVersion: API_VERSION,
    ports: {
      ask: () => questioner(train, config.seed, since),
      sample: () => sampler(policy.sampler),
      judge: () => voter(grader, config.filters),
      learn: () => learner(policy.learner),
      evaluate: () => evaluator({ sampler: policy.sampler, heldOut, labels, grader, config, earlier }),
      synthesize: ({ tell }) => synthesizer({ sampler: policy.sampler, train, config, tell }),
    },
  });
}
