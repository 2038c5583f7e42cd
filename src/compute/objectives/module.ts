/**
 * Loads an objective from a user's file: `learner.objective: {type: 'module', path, options}`. Its default export
 * implements `Objective` (docs/objectives.md).
 */
import { z } from 'zod';
import { importDefault } from '../../lib/import-default.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Objective, OwnSchema } from './objective.ts';

export const moduleSettings = z.strictObject({
  type: z.literal('module'),
  path: z.string().min(1).describe('File whose default export is an objective (docs/objectives.md).'),
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Settings of that objective; the objective validates them.'),
});

export type ModuleSettings = z.output<typeof moduleSettings>;

const isFunction = z.custom((value) => typeof value === 'function', 'expected a function');
const exported = z.object({
  name: z.string().min(1),
  settings: z.custom(
    (value) => typeof (value as OwnSchema | undefined)?.safeParse === 'function',
    'expected a zod schema',
  ),
  loss: isFunction,
  prepare: isFunction,
  revise: isFunction.optional(),
});

/** Imports the objective and parses its settings. @throws InputError naming the file and the fault. */
export async function importObjective({
  path,
  options,
}: ModuleSettings): Promise<{ objective: Objective; own: { readonly type: string } }> {
  const where = `learner.objective.path is ${path}`;
  const loaded = await importDefault(path, path).catch((error: unknown) => {
    throw new InputError(
      `${where}, which failed while it was loaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  });
  const checked = exported.safeParse(loaded);
  if (!checked.success)
    throw new InputError(
      `${where}, whose default export is not an objective: ${words(checked.error)}; docs/objectives.md has an example`,
    );
  const objective = loaded as Objective;
  const own = objective.settings.safeParse({ type: objective.name, ...options });
  if (!own.success)
    throw new InputError(`learner.objective.options do not fit the objective in ${path}: ${words(own.error)}`);
  return { objective, own: own.data };
}

function words({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') || 'it'}: ${issue?.message ?? ''}`;
}
