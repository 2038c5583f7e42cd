/** Our own actors, brought in by the same door as anybody's. */
import type { Config } from '../src/config/schema.ts';
import type { Dataset, Labels } from '../src/data/dataset.ts';
import { judge, type Classifier } from '../src/learn/judge.ts';
import { API_VERSION, definePlugin, type PluginDefinition } from '../src/plugin/define.ts';
import type { Roles } from '../src/plugin/load.ts';
import type { Policy } from '../src/policy/policy.ts';
import { evaluator } from './evaluator.ts';
import { questioner } from './questioner.ts';
import { synthesizer } from './synthesizer.ts';
import type { Member } from './system.ts';

export interface BuiltInParts {
  readonly config: Config;
  readonly policy: Policy;
  readonly train: Dataset;
  readonly heldOut: Dataset;
  /** Handed to the evaluator and to nobody else. */
  readonly labels: Labels;
  readonly grader: Classifier;
}

export function builtIns({ config, policy, train, heldOut, labels, grader }: BuiltInParts): PluginDefinition<undefined> {
  return definePlugin({
    name: 'built-in',
    apiVersion: API_VERSION,
    ports: {
      ask: () => questioner(train, config.seed),
      sample: () => (request, signal) => policy.sample(request, signal),
      judge: () => (group) => judge(group, grader, { normaliseStd: true, ...config.filters }),
      learn: () => (batch, signal) => policy.learn(batch, signal),
      evaluate: () => evaluator({ policy, heldOut, labels, grader, config }),
      synthesize: () => synthesizer({ policy, train, config }),
    },
  });
}

/** The actors of a run: one for each role, but as many samplers as there are threads to sample in, and a synthesizer only where one is wanted. */
export function membersOf(roles: Roles, { workers, synthesis }: Pick<Config, 'workers' | 'synthesis'>): Member[] {
  return [
    { role: 'questioner', id: 'questioner', open: roles.holder('ask').open },
    ...Array.from({ length: workers.rolloutWorkers }, (_, i) => ({ role: 'sampler', id: `sampler-${i + 1}`, open: roles.holder('sample').open })),
    { role: 'voter', id: 'voter', open: roles.holder('judge').open },
    { role: 'learner', id: 'learner', open: roles.holder('learn').open },
    { role: 'evaluator', id: 'evaluator', open: roles.holder('evaluate').open },
    ...(synthesis.mode === 'off' ? [] : [{ role: 'synthesizer', id: 'synthesizer', open: roles.holder('synthesize').open }]),
    ...roles.watchers.map(({ plugin, open }) => ({ role: 'watcher', id: `watcher-${plugin}`, open, optional: true })),
  ];
}
