/** The definitions that a combination or a mixture is made of: given by name or as they are. */
import type { PluginDefinition } from 'quorum';
import { z } from 'zod';

export type Definition = PluginDefinition<unknown>;

/** A name among `names`, or the result of definePlugin. */
export function partSchema<Name extends string>(names: readonly Name[]) {
  const error = `expected ${names.map((name) => `'${name}'`).join(', ')}, or the result of definePlugin`;
  const definition = z.custom<Definition>(
    (value) => typeof value === 'object' && value !== null && 'apiVersion' in value && 'ports' in value,
  );
  return z.union([z.enum(names), definition], { error });
}
