/** Finds, reads and checks the configuration. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { InputError } from '../protocol/errors.ts';
import { complaint } from './complain.ts';
import { importDefault } from './import-default.ts';
import { merged } from './merge.ts';
import { applyOverrides } from './override.ts';
import { resolvePaths } from './paths.ts';
import { choosePreset, presetOfRun, type Preset } from './preset.ts';
import { configSchema, type Config, type ConfigInput } from './schema.ts';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map((extension) => `quorum.config.${extension}`);

export interface LoadOptions {
  /** Configuration file; without it `quorum.config.*` in `cwd`, if there is one. */
  readonly file?: string;
  readonly cwd?: string;
  /** `path=value` each, from `--set`; paths in them are relative to `cwd`. */
  readonly set?: readonly string[];
  /** Where neither the file nor `set` names a model and the default is not there. */
  readonly fallbackModel?: string;
  /** Whether the run in the run folder goes on with it: then the preset that it was begun with holds. */
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

/** @throws InputError that names the file, the key, its value and what is allowed. */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const { file, cwd = process.cwd(), set = [], fallbackModel, continues = false } = options;
  const path = file === undefined ? findFile(cwd) : resolve(cwd, file);
  const folder = path === undefined ? cwd : dirname(path);
  const input = path === undefined ? {} : await readFile(path);
  const source = [path && basename(path), set.length > 0 && '--set'].filter(Boolean).join(' and ') || 'defaults';
  const given = applyOverrides(input, set, cwd);
  const { runFolder, ...checked } = resolvePaths(parseConfig(given, source), folder);
  const { model: named, preset: asked } = given as ConfigInput; // it has passed the check
  const model = named !== undefined || fallbackModel === undefined || existsSync(checked.model) ? checked.model : fallbackModel;
  const preset = choosePreset({ folder: model, named: asked, begun: continues ? presetOfRun(runFolder) : undefined });
  const config = resolvePaths(parseConfig(merged(preset.defaults, given as ConfigInput), source), folder);
  return { config: { ...config, model, preset: preset.name }, preset, file: path, folder };
}

/** Checks a configuration that is in memory. @throws InputError. */
export function parseConfig(input: unknown, source = 'configuration'): Config {
  const result = configSchema.safeParse(input);
  if (!result.success) throw complaint(source, input, result.error.issues);
  return result.data;
}

function findFile(cwd: string): string | undefined {
  const found = NAMES.filter((name) => existsSync(join(cwd, name)));
  if (found.length > 1) throw new InputError(`${cwd} has ${found.join(' and ')}: keep one of them, or name one with --config`);
  return found[0] && join(cwd, found[0]);
}

async function readFile(path: string): Promise<unknown> {
  const extension = extname(path);
  if (!existsSync(path)) throw new InputError(`the configuration file ${path} does not exist`);
  if (!NAMES.some((name) => name.endsWith(extension))) {
    throw new InputError(`the configuration file ${path} ends in ${extension || 'nothing'}; allowed: .ts, .mts, .js, .mjs, .json, .yaml, .yml`);
  }
  try {
    if (extension === '.json') return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    if (extension === '.yaml' || extension === '.yml') return (parseYaml(readFileSync(path, 'utf8')) as unknown) ?? {};
    return await importDefault(path, path);
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
