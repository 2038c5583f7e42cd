/**
 * Opens a port of a definition: by the loader, and by plug-ins that are made of others (a mixture of sources, a sum of
 * rewards).
 */
import { InputError } from '../protocol/errors.ts';
import type { Question } from '../protocol/messages.ts';
import type { Ask, PortName, Ports } from '../protocol/ports.ts';
import type { PluginDefinition, PortContext, PortLike } from './define.ts';
import type { StandardResult, StandardSchema } from './standard-schema.ts';

/** @throws InputError when the definition has no such port or the options are bad. */
export async function openPort<Name extends PortName, Options>(
  definition: PluginDefinition<Options>,
  port: Name,
  context: PortContext<unknown, Name>,
  options?: unknown,
): Promise<Ports[Name]> {
  const who = `plug-in ${definition.name}`;
  const open = definition.ports[port];
  if (!open) throw new InputError(`${who} has no port "${port}"; it has ${Object.keys(definition.ports).join(', ')}`);
  const checked = await checkOptions(who, definition.options, options);
  // Getters stay getters: `next` opens on first use, and in a thread some of them throw.
  const { options: _, ...services } = Object.getOwnPropertyDescriptors(context);
  const own = Object.defineProperties({ options: checked }, services) as unknown as PortContext<Options, Name>;
  return portOf<Name>(who, port, await open(own));
}

/** @throws InputError that names the plug-in and each bad option. */
export async function checkOptions<Options>(
  who: string,
  schema: StandardSchema<Options> | undefined,
  given: unknown,
): Promise<Options> {
  if (!schema) {
    if (given === undefined) return undefined as Options;
    throw new InputError(`${who} takes no options, but was given ${JSON.stringify(given)}`);
  }
  const result: StandardResult<Options> = await schema['~standard'].validate(given ?? {});
  if (!result.issues) return result.value;
  const keyOf = (part: PropertyKey | { readonly key: PropertyKey }): string =>
    String(typeof part === 'object' ? part.key : part);
  const issues = result.issues.map(
    ({ path = [], message }) => `${['options', ...path.map(keyOf)].join('.')}: ${message}`,
  );
  throw new InputError(`${who}: ${issues.join('; ')}`);
}

/** @throws InputError when what a plug-in opened as its port cannot be one. */
export function portOf<Name extends PortName>(who: string, port: Name, opened: PortLike<Name>): Ports[Name] {
  if (typeof opened === 'function') return opened as Ports[Name];
  if (port === 'ask' && typeof opened === 'object' && opened !== null) {
    if (Symbol.asyncIterator in opened || Symbol.iterator in opened)
      return fromIterable(opened as AsyncIterable<Question>) as Ports[Name];
  }
  const may = port === 'ask' ? 'a function or something that can be iterated' : 'a function';
  throw new InputError(
    `${who}: its port "${port}" opened as ${opened === null ? 'null' : typeof opened}, but must be ${may}`,
  );
}

/** Pulled as the loop has room: one question at a time is waited for, so a slow source gives what it has. */
function fromIterable(source: AsyncIterable<Question> | Iterable<Question>): Ask {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return async () => {
    const { done, value } = await iterator.next();
    if (done === true) throw new Error('the question source came to its end');
    return [value];
  };
}
