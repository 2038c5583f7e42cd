/** From what the configuration lists to ports that are ready to be opened. Every error names the plug-in. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { importDefault } from '../config/import-default.ts';
import { InputError } from '../protocol/errors.ts';
import type { PortName, Ports } from '../protocol/ports.ts';
import { API_VERSION, type OpenPort, type PluginDefinition, type PortContext } from './define.ts';

/** As in `plugins: [...]`: a package, a file, a definition, or one of them with options. */
export type PluginSpec = string | object | { readonly use: string | object; readonly options?: unknown };

/** A definition with its options checked and bound. */
export interface Plugin {
  readonly name: string;
  readonly ports: { readonly [Name in PortName]?: (signal: AbortSignal) => Promise<Ports[Name]> };
}

const PORTS: Readonly<Record<PortName, true>> = {
  ask: true,
  sample: true,
  judge: true,
  learn: true,
  evaluate: true,
  synthesize: true,
  reward: true,
  advantage: true,
  filter: true,
  watch: true,
  export: true,
  panel: true,
};

const definitionSchema = z.strictObject({
  name: z.string().min(1),
  apiVersion: z.int(),
  options: z.custom<z.ZodType>(isZodSchema, 'expected a zod schema').optional(),
  ports: z.record(
    z.string(),
    z.custom<OpenPort<unknown, unknown>>((value) => typeof value === 'function', 'expected a function'),
  ),
});

/**
 * @param folder what relative paths and package names are resolved from: that of the configuration file.
 * @throws InputError when a plug-in is not found, throws while it is loaded, is for another API version, or gets bad options.
 */
export async function loadPlugins(specs: readonly PluginSpec[], folder: string): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  for (const spec of specs) {
    const { use, options } = isUse(spec) ? spec : { use: spec, options: undefined };
    const source = typeof use === 'string' ? use : 'given in the configuration';
    const plugin = bind(typeof use === 'string' ? await importPlugin(use, folder) : use, options, source);
    if (plugins.some(({ name }) => name === plugin.name)) throw new InputError(`plug-in ${plugin.name} (${source}) is listed twice in plugins`);
    plugins.push(plugin);
  }
  return plugins;
}

/** Who holds each role: a plug-in of the user, else the built-in one. Everybody may watch. */
export interface Roles {
  /** The plug-in that holds the role, and how to open its port. */
  holder<Name extends Exclude<PortName, 'watch'>>(
    role: Name,
  ): { readonly plugin: string; readonly open: (signal: AbortSignal) => Promise<Ports[Name]> };
  readonly watchers: readonly { readonly plugin: string; readonly open: (signal: AbortSignal) => Promise<Ports['watch']> }[];
}

/** @throws InputError when two of the user's plug-ins want the same role. */
export function assignRoles(builtIn: readonly Plugin[], users: readonly Plugin[]): Roles {
  for (const role of Object.keys(PORTS) as PortName[]) {
    const rivals = users.filter(({ ports }) => ports[role]);
    if (role !== 'watch' && rivals.length > 1) {
      throw new InputError(`plug-ins ${rivals.map(({ name }) => name).join(' and ')} both have the port "${role}": list only one of them in plugins`);
    }
  }
  const all = [...users, ...builtIn];
  return {
    holder(role) {
      for (const { name, ports } of all) {
        const open = ports[role];
        if (open) return { plugin: name, open };
      }
      throw new InputError(`no plug-in has the port "${role}"`);
    },
    watchers: all.flatMap(({ name, ports }) => (ports.watch ? [{ plugin: name, open: ports.watch }] : [])),
  };
}

function isUse(spec: PluginSpec): spec is { readonly use: string | object; readonly options?: unknown } {
  return typeof spec === 'object' && 'use' in spec;
}

/** A plug-in may bring its own copy of zod, so the class does not tell. */
function isZodSchema(value: unknown): boolean {
  return typeof value === 'object' && value !== null && '_zod' in value && 'safeParse' in value;
}

async function importPlugin(use: string, folder: string): Promise<unknown> {
  const isPath = use.startsWith('.') || isAbsolute(use);
  if (isPath && !existsSync(resolve(folder, use))) throw new InputError(`plug-in ${use} is not found: there is no file ${resolve(folder, use)}`);
  try {
    return await importDefault(isPath ? resolve(folder, use) : use, resolve(folder, 'quorum.config.ts'));
  } catch (error) {
    if (!isPath && isNotFound(error, use))
      throw new InputError(`plug-in ${use} is not found: npm install ${use}, or give a path that begins with ./`);
    throw new InputError(`plug-in ${use} failed while it was loaded: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function isNotFound(error: unknown, use: string): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') && (error as Error).message.includes(`'${use}'`);
}

function bind(definition: unknown, given: unknown, source: string): Plugin {
  const checked = definitionSchema.safeParse(definition);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue?.path.join('.') || 'its default export';
    throw new InputError(`plug-in ${source} is not one: ${field}: ${issue?.message}; export default definePlugin({name, apiVersion, ports})`);
  }
  const { name, apiVersion, ports } = checked.data;
  const who = `plug-in ${name} (${source})`;
  if (apiVersion !== API_VERSION) {
    throw new InputError(`${who} is written for plug-in API ${apiVersion}, but this Quorum has ${API_VERSION}: use a version of it that fits`);
  }
  const unknown = Object.keys(ports).find((port) => !(port in PORTS));
  if (unknown !== undefined) throw new InputError(`${who} has an unknown port "${unknown}"; known are ${Object.keys(PORTS).join(', ')}`);
  if (Object.keys(ports).length === 0) throw new InputError(`${who} has no ports; known are ${Object.keys(PORTS).join(', ')}`);
  const options = checkOptions(who, checked.data.options, given);
  const opened = Object.entries(ports).map(
    ([port, open]) => [port, (signal: AbortSignal) => openPort(who, port, open, { options, signal })] as const,
  );
  return { name, ports: Object.fromEntries(opened) as Plugin['ports'] };
}

function checkOptions(who: string, schema: z.ZodType | undefined, given: unknown): unknown {
  if (!schema) {
    if (given === undefined) return undefined;
    throw new InputError(`${who} takes no options, but was given ${JSON.stringify(given)}`);
  }
  const parsed = schema.safeParse(given ?? {});
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${['options', ...path].join('.')}: ${message}`);
  throw new InputError(`${who}: ${issues.join('; ')}`);
}

async function openPort(who: string, port: string, open: OpenPort<unknown, unknown>, context: PortContext<unknown>): Promise<unknown> {
  const opened = await open(context);
  if (typeof opened !== 'function') throw new InputError(`${who}: its port "${port}" opened as ${typeof opened}, but must be a function`);
  return opened;
}

/** Binds a definition of ours the way the user's are. */
export function bindPlugin<Options>(definition: PluginDefinition<Options>, options?: unknown): Plugin {
  return bind(definition, options, 'built in');
}
