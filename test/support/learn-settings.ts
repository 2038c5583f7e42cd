/** Builds a learner step's settings from the configuration's defaults, for steps of a test's small size. */
import type { LearnObjective } from '../../src/compute/objectives/registry.ts';
import type { LearnSettings } from '../../src/compute/objectives/settings.ts';
import { configSchema, type ConfigInput } from '../../src/config/schema.ts';

export function learnSettings<Own extends LearnObjective>(
  objective: Own,
  changes: ConfigInput['learner'] = {},
): LearnSettings<Own> {
  const { learner } = configSchema.parse({ learner: { learningRate: 1e-3, minibatches: 1, ...changes } });
  return { ...learner, temperature: 1, maxNewTokens: 28, objective };
}
