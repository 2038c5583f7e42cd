/** Derives the setting `learner.objective` from the list of objectives, and finds an objective by its settings. */
import { z } from 'zod';
import * as all from './all.ts';
import { importObjective, moduleSettings, type ModuleSettings } from './module.ts';
import type { Objective } from './objective.ts';

export const OBJECTIVES = Object.values(all);

type Settings = (typeof OBJECTIVES)[number]['settings'];

const [first, ...others] = OBJECTIVES.map(({ settings }): Settings => settings);

/** Schema of `learner.objective`. */
export const objectiveSchema = z.discriminatedUnion('type', [first!, ...others, moduleSettings]);

export type LearnObjective = z.output<Settings> | ModuleSettings;

interface Opened {
  readonly objective: Objective;
  /** Its settings. */
  readonly own: { readonly type: string };
}

const imported = new Map<string, Promise<Opened>>();

/**
 * Returns the objective that the settings name; a module is imported once for equal settings. @throws InputError
 * naming the fault of a module.
 */
export async function openObjective(settings: { readonly type: string }): Promise<Opened> {
  if (settings.type !== 'module') return { objective: objectiveOf(settings), own: settings };
  const key = JSON.stringify(settings);
  const found = imported.get(key) ?? importObjective(settings as ModuleSettings);
  imported.set(key, found);
  return found;
}

export function objectiveOf({ type }: { readonly type: string }): Objective {
  const found: Objective | undefined = OBJECTIVES.find(({ name }) => name === type);
  if (!found)
    throw new RangeError(
      `learner.objective.type is ${type}; allowed: ${OBJECTIVES.map(({ name }) => name).join(', ')}`,
    );
  return found;
}
