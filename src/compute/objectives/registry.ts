/** What is made of the list of objectives: the setting `learner.objective`, and an objective by its settings. */
import { z } from 'zod';
import * as all from './all.ts';
import type { Objective } from './objective.ts';

export const OBJECTIVES = Object.values(all);

type Settings = (typeof OBJECTIVES)[number]['settings'];

const [first, ...others] = OBJECTIVES.map(({ settings }): Settings => settings);

/** `learner.objective`. */
export const objectiveSchema = z.discriminatedUnion('type', [first!, ...others]);

export type LearnObjective = z.output<Settings>;

export function objectiveOf({ type }: { readonly type: string }): Objective {
  const found: Objective | undefined = OBJECTIVES.find(({ name }) => name === type);
  if (!found) throw new RangeError(`learner.objective.type is ${type}; allowed: ${OBJECTIVES.map(({ name }) => name).join(', ')}`);
  return found;
}
