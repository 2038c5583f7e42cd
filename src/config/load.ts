/** Finds, reads and checks the configuration. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { packagePath } from '../lib/package-path.ts';
import { complaint } from './complain.ts';
import { isPlain, merged } from './merge.ts';
import { applyOverrides } from './override.ts';
import { resolvePaths } from './paths.ts';
import { promptDefaults } from './prompts.ts';
import { begunRun, runOfModel } from './begun.ts';
import { choosePreset, type Preset } from './preset.ts';
import { findFile, readFile } from './read-file.ts';
import { configSchema, type Config, type ConfigInput } from './schema.ts';

export interface LoadOptions {
  /** Configuration file; without it `quorum.config.*` in `cwd`, if there is one. */
  readonly file?: string;
  readonly cwd?: string;
  /** `path=value` each, from `--set`; paths in them are relative to `cwd`. */
  readonly set?: readonly string[];
  /** For a configuration without a model: whether the package's own is used where the folder has none. */
  readonly orPackaged?: boolean;
  /** Whether the configuration continues the run in the run folder: then the preset of that run holds. */
  readonly continues?: boolean;
}

export interface LoadedConfig {
  /** Complete, its preset chosen; paths are absolute. */
  readonly config: Config;
  readonly preset: Preset;
  /** Undefined when the defaults were used. */
  readonly file: string | undefined;
  /** What relative paths (and plug-ins) are resolved from: the file's folder, else `cwd`. */
  readonly folder: string;
}

/** @throws InputError that names the file, the key, its value and the allowed values. */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { file, cwd = process.cwd(), set = [], orPackaged = false, continues = false } = options;
  const path = file === undefined ? findFile(cwd) : resolve(cwd, file);
  const folder = path === undefined ? cwd : dirname(path);
  const input = path === undefined ? {} : await readFile(path);
  const source = [path && basename(path), set.length > 0 && '--set'].filter(Boolean).join(' and ') || 'defaults';
  const complete = completeConfig(applyOverrides(input, set, cwd), { source, folder, orPackaged, continues });
  return { ...complete, file: path };
}

interface CompleteOptions extends Pick<LoadOptions, 'continues'> {
  /** Named in a complaint. */
  readonly source?: string;
  /** What relative paths are resolved from; default: the working directory. */
  readonly folder?: string;
  /** As in `LoadOptions`; default: true. */
  readonly orPackaged?: boolean;
}

/** Without a named model, which has the figures: the family that shows the climb, measured on 25 questions a level. */
const DEFAULT_DATA: ConfigInput['data'] = { type: 'ladder', families: ['digits'], heldOutQuestions: 300 };

/**
 * Checks settings in memory and adds the defaults: the data, then those of the preset. @throws InputError that names
 * the key, its value and the allowed values.
 */
export function completeConfig(given: unknown, options: CompleteOptions = {}): Omit<LoadedConfig, 'file'> {
  const { source = 'configuration', folder = process.cwd(), orPackaged = true, continues = false } = options;
  const checked = (input: unknown) => resolvePaths(parseConfig(input, source), folder);
  const { runFolder, model: named } = checked(withData(given));
  const begun = continues ? begunRun(runFolder) : undefined;
  const input = withData(given, (begun ?? runOfModel(named))?.data) as ConfigInput; // checked above
  const { data } = checked(input);
  const model = input.model === undefined ? bundledModel(data, folder, orPackaged) : named;
  const preset = choosePreset({ folder: model, data: data.type, named: input.preset, begun: begun?.preset });
  const defaults = merged(preset.defaults, promptDefaults(input.prompt?.preset));
  const config = checked(merged(defaults, input));
  return { config: { ...config, model, preset: preset.name }, preset, folder };
}

/** Without a `data.type`: the data of the run that continues or that made the model, or else the default. */
function withData(given: unknown, begun?: Config['data']): unknown {
  if (!isPlain(given)) return given;
  const { model, data = {} } = given;
  if (!isPlain(data) || data['type'] !== undefined) return given;
  return { ...given, data: { ...(begun ?? (model === undefined ? DEFAULT_DATA : { type: 'figures' })), ...data } };
}

/** The model that was made for the data. */
function bundledModel({ type }: Config['data'], folder: string, orPackaged: boolean): string {
  const path = `models/${type === 'ladder' ? 'ladder' : 'mini'}`;
  const own = resolve(folder, path);
  return orPackaged && !existsSync(own) ? packagePath(path) : own;
}

/** Checks a configuration that is in memory. @throws InputError. */
export function parseConfig(input: unknown, source = 'configuration'): Config {
  const result = configSchema.safeParse(input);
  if (!result.success) throw complaint(source, input, result.error.issues);
  return result.data;
}
