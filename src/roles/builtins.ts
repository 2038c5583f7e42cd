/** Our own actors, brought in by the same door as anybody's. */
import type { Config } from '../config/schema.ts';
import type { Dataset, Labels } from '../data/dataset.ts';
import { judge, type Classifier } from '../learn/judge.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../plugin/define.ts';
import type { Policy } from '../policy/policy.ts';
import { evaluator } from './evaluator.ts';
import type { EarlierAnswers } from './label-free.ts';
import { questioner } from './questioner.ts';
import { synthesizer } from './synthesizer.ts';

export interface BuiltInParts {
  readonly config: Config;
  readonly policy: Policy;
  readonly train: Dataset;
  readonly heldOut: Dataset;
  /** See `questioner`. */
  readonly since: number;
  /** Handed to the evaluator and to nobody else. */
  readonly labels: Labels;
  readonly grader: Classifier;
  /** What earlier versions answered to held-out questions. */
  readonly earlier: () => EarlierAnswers;
}

export function builtIns({ config, policy, train, heldOut, labels, grader, since, earlier }: BuiltInParts): PluginDefinition<undefined> {
  return definePlugin({
    name: 'built-in',
    apiVersion: API_VERSION,
    ports: {
      ask: () => questioner(train, config.seed, since),
      sample: () => (request, signal) => policy.sample(request, signal),
      judge: () => (group) => judge(group, grader, { normaliseStd: true, ...config.filters }),
      learn: () => (batch, signal) => policy.learn(batch, signal),
      evaluate: () => evaluator({ policy, heldOut, labels, grader, config, earlier }),
      synthesize: ({ tell }) => synthesizer({ policy, train, config, tell }),
    },
  });
}
