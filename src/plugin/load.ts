/** From what the configuration lists to ports that are ready to be opened. Every error names the plug-in. */
import { existsSync, readdirSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { importDefault } from '../lib/import-default.ts';
import { InputError } from '../protocol/errors.ts';
import type { PortName, Ports, PromptSource } from '../protocol/ports.ts';
import { withDeadline } from '../lib/deadline.ts';
import { API_VERSION, type PluginDefinition, type PortContext } from './define.ts';
import { guarded } from './guarded.ts';
import { checkOptions, portOf } from './open-port.ts';
import { PORT_NAMES, PORT_TABLE } from './port-table.ts';
import type { StandardSchema } from './standard-schema.ts';
import { HEAP_MEGABYTES, openThread, type PluginThread } from './thread.ts';

/** One entry of `plugins: [...]`: a package, a file, a definition, or one of them with settings. */
export type PluginSpec = string | object | PluginUse;

export interface PluginUse {
  readonly use: string | object;
  readonly options?: unknown;
  /** In its own worker thread, with a heap of 512 MB or of the given size. */
  readonly thread?: boolean | { readonly heapMegabytes: number } | undefined;
  /** May read labels. */
  readonly labels?: boolean | undefined;
}

/** What the daemon gives a port in addition to its options. */
export type Services<Name extends PortName = PortName> = Omit<PortContext<undefined, Name>, 'options'> & {
  /** For a thread, which makes its prompts itself; no part of the context. */
  readonly prompts?: PromptSource | undefined;
};

/** A definition with its options checked and bound. */
export interface Plugin {
  readonly name: string;
  /** A package, a path, or `given in the configuration`. */
  readonly source: string;
  /** As it was listed, to load it again. */
  readonly use: PluginUse;
  readonly ports: { readonly [Name in PortName]?: (services: Services<Name>) => Promise<Ports[Name]> };
  /** Ends its thread, if it has one. */
  close(): Promise<void>;
}

const known = (): string => PORT_NAMES.join(', ');

/** Prefix of the built-in plug-ins. */
const BUILT_IN = 'quorum/plugins/';

/** How long a plug-in's module may take to load: one may bring a large library. */
const LOAD_SECONDS = 180;

type AnyOpen = (context: PortContext<unknown>) => unknown;

const definitionSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9@][a-z0-9@/._-]{0,63}$/, 'expected 1 to 64 of a-z, 0-9, @ / . _ -, as a package is named'),
  apiVersion: z.int(),
  options: z
    .custom<StandardSchema<unknown>>(isStandardSchema, 'expected a zod schema, or another Standard Schema')
    .optional(),
  ports: z.record(
    z.string(),
    z.custom<AnyOpen>((value) => typeof value === 'function', 'expected a function'),
  ),
});

/**
 * @param folder of the configuration file: relative paths and package names resolve from it. @throws InputError when a
 * plug-in is not found, throws while it is loaded, is for another API version, gets bad options, or takes a port that
 * another plug-in has.
 */
export async function loadPlugins(specs: readonly PluginSpec[], folder: string): Promise<readonly Plugin[]> {
  const plugins: Plugin[] = [];
  try {
    for (const spec of specs) {
      const plugin = await loadPlugin(spec, folder);
      plugins.push(plugin);
      checkRivals(plugins);
    }
    return plugins;
  } catch (error) {
    await Promise.all(plugins.map((plugin) => plugin.close()));
    throw error;
  }
}

/** @throws InputError like `loadPlugins`, but for rivals. */
export async function loadPlugin(spec: PluginSpec, folder: string): Promise<Plugin> {
  const use = isUse(spec) ? spec : { use: spec };
  if (typeof use.use === 'string') {
    const path = pathOf(use.use, folder);
    return bind(await importPlugin(use.use, path, folder), use, use.use, {
      path,
      from: resolve(folder, 'quorum.config.ts'),
    });
  }
  if (inThread(use)) {
    throw new InputError(
      'a plug-in with thread: true must be named by its package or path, because an object cannot be sent to a thread',
    );
  }
  return bind(use.use, use, 'given in the configuration');
}

/** @throws InputError when two have the same name, or the same exclusive port. */
export function checkRivals(plugins: readonly Plugin[]): void {
  for (const [i, { name, source }] of plugins.entries()) {
    if (plugins.slice(0, i).some((other) => other.name === name))
      throw new InputError(`plug-in ${name} (${source}) is listed twice in plugins`);
  }
  for (const port of PORT_NAMES) {
    const rivals = plugins.filter(({ ports }) => ports[port]);
    if (PORT_TABLE[port].holders === 'many' || rivals.length < 2) continue;
    throw new InputError(
      `plug-ins ${rivals.map(({ name }) => name).join(' and ')} both have the port "${port}": list only one of them in plugins`,
    );
  }
}

/** Binds a definition of ours the way the user's are. */
export function bindPlugin<Options>(definition: PluginDefinition<Options>, options?: unknown): Promise<Plugin> {
  return bind(definition, { use: definition, options }, 'built in');
}

function isUse(spec: PluginSpec): spec is PluginUse {
  return typeof spec === 'object' && 'use' in spec;
}

/** A plug-in may bring its own copy of a library, so the class does not tell. */
function isStandardSchema(value: unknown): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !('~standard' in value))
    return false;
  return typeof (value['~standard'] as { validate?: unknown } | undefined)?.validate === 'function';
}

/** Undefined for a package. @throws InputError when there is no such file. */
function pathOf(use: string, folder: string): string | undefined {
  if (!use.startsWith('.') && !isAbsolute(use)) return undefined;
  const path = resolve(folder, use);
  if (!existsSync(path)) throw new InputError(`plug-in ${use} is not found: there is no file ${path}`);
  return path;
}

async function importPlugin(use: string, path: string | undefined, folder: string): Promise<unknown> {
  try {
    const loading = importDefault(path ?? use, resolve(folder, 'quorum.config.ts'));
    return await withDeadline(
      'evaluating its module (a top-level await may never settle)',
      LOAD_SECONDS,
      undefined,
      () => loading,
    );
  } catch (error) {
    if (path === undefined && isNotFound(error, use))
      throw new InputError(`plug-in ${use} is not found: npm install ${use}, or give a path that begins with ./`);
    if (use.startsWith(BUILT_IN) && isMissing(error))
      throw new InputError(`plug-in ${use} is not found: ${BUILT_IN} has ${builtInNames()}`);
    throw new InputError(
      `plug-in ${use} failed while it was loaded: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
}

function isNotFound(error: unknown, use: string): boolean {
  return isMissing(error) && (error as Error).message.includes(`'${use}'`);
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
}

function builtInNames(): string {
  const names = readdirSync(new URL('../plugins', import.meta.url)).flatMap(
    (file) => /^([a-z-]+)\.[jt]s$/.exec(file)?.[1] ?? [],
  );
  return names.toSorted().join(', ');
}

export function inThread({ thread }: PluginUse): boolean {
  return thread !== undefined && thread !== false;
}

async function bind(
  definition: unknown,
  use: PluginUse,
  source: string,
  module?: { path: string | undefined; from: string },
): Promise<Plugin> {
  const checked = definitionSchema.safeParse(definition);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const field = issue?.path.join('.') || 'its default export';
    throw new InputError(
      `plug-in ${source} is not one: ${field}: ${issue?.message}; export default definePlugin({name, apiVersion, ports})`,
    );
  }
  const { name, apiVersion, ports } = checked.data;
  const who = `plug-in ${name} (${source})`;
  if (apiVersion !== API_VERSION) {
    throw new InputError(
      `${who} is written for plug-in API ${apiVersion}, but this Quorum has ${API_VERSION}: use a version of it that fits`,
    );
  }
  const unknown = Object.keys(ports).find((port) => !Object.hasOwn(PORT_TABLE, port));
  if (unknown !== undefined) throw new InputError(`${who} has an unknown port "${unknown}"; known are ${known()}`);
  if (Object.keys(ports).length === 0) throw new InputError(`${who} has no ports; known are ${known()}`);
  const options = await checkOptions(who, checked.data.options, use.options);
  const thread: PluginThread | undefined =
    inThread(use) && typeof use.use === 'string'
      ? openThread({
          name,
          specifier: module?.path ?? use.use,
          from: module?.from ?? '',
          options: use.options,
          heapMegabytes: typeof use.thread === 'object' ? use.thread.heapMegabytes : HEAP_MEGABYTES,
        })
      : undefined;
  const opener = ([port, open]: [string, AnyOpen]) => {
    const openHere = async (services: Services) =>
      portOf(who, port as PortName, (await open(contextOf(services, options))) as never);
    const openIt = thread ? (services: Services) => thread.open(port as PortName, services) : openHere;
    // Our own actors are trusted: their errors keep their class, on which the loop branches.
    return [port, source === 'built in' ? openIt : guarded(name, port as PortName, openIt)] as const;
  };
  return {
    name,
    source,
    use,
    ports: Object.fromEntries(Object.entries(ports).map(opener)) as Plugin['ports'],
    close: async () => thread?.close(),
  };
}

/** `next` is a getter: reading it opens the port. */
function contextOf(services: Services, options: unknown): PortContext<unknown> {
  const { prompts: _, ...own } = Object.getOwnPropertyDescriptors(services);
  return Object.defineProperties({ options }, own) as unknown as PortContext<unknown>;
}
