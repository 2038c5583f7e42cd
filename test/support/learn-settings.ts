/** Settings of a learner step as the configuration's defaults make them, for steps at the tests' own small sizes. */
import type { LearnObjective } from '../../src/compute/objectives/registry.ts';
import type { LearnSettings } from '../../src/compute/objectives/settings.ts';
import { configSchema } from '../../src/config/schema.ts';

export function learnSettings<Own extends LearnObjective>(objective: Own, changes: Partial<LearnSettings> = {}): LearnSettings<Own> {
  const defaults = configSchema.parse({}).learner;
  return { ...defaults, learningRate: 1e-3, minibatches: 1, temperature: 1, microBatchGroups: 2, ...changes, objective };
}
