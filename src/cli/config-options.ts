/**
 * The options that `start`, `eval`, `ask`, `doctor` and others share: the source of the configuration and the settings
 * that override it.
 */
import { isBuiltIn, isDrawn } from '../data/settings.ts';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { collect } from './options.ts';

export interface ConfigOptions {
  readonly config?: string;
  readonly model?: string;
  readonly data?: string | readonly string[];
  readonly split?: string;
  readonly run?: string;
  readonly steps?: number;
  readonly stopWhen?: string;
  readonly seed?: number;
  readonly set?: readonly string[];
}

export function withConfigOptions(command: Command): Command {
  return command
    .option(
      '-c, --config <file>',
      'configuration file; default: quorum.config.{ts,js,json,yaml} here, where there is one',
    )
    .option('--set <path=value>', 'set one key of the configuration; may be given more than once', collect);
}

/**
 * Loads the configuration and applies the options; named options are settings too, and `--set` applies last and wins.
 * If no model is named and the default (`./models/ladder` for the ladder, else `./models/mini`) does not exist, the
 * package's own is used.
 * @param continues whether the command continues the run in the run folder: then that run's preset holds.
 * @throws InputError that names the option or key.
 */
export async function resolveConfig(
  options: ConfigOptions,
  cwd = process.cwd(),
  continues = false,
): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load.ts');
  const set = await settings(options, cwd);
  return loadConfig({
    cwd,
    set,
    orPackaged: true,
    continues,
    ...(options.config === undefined ? {} : { file: options.config }),
  });
}

/** The files, folders and patterns that a command with this configuration reads. */
export function inputsOf({ config: { model, data }, file }: LoadedConfig): string[] {
  const { trainFile, heldOutFile } = isDrawn(data) ? {} : data;
  return [model, trainFile ?? [], heldOutFile ?? [], file].flat().filter((path) => path !== undefined);
}

async function settings(
  { model, data, split, run, steps, stopWhen, seed, set = [] }: ConfigOptions,
  cwd: string,
): Promise<string[]> {
  const named = [
    model !== undefined && `model=${model}`,
    ...(await dataSettings(data, cwd)),
    split !== undefined && `data.split=${split}`,
    run !== undefined && `runFolder=${run}`,
    steps !== undefined && `loop.steps=${steps}`,
    stopWhen !== undefined && `loop.stopWhen=${stopWhen}`,
    seed !== undefined && `seed=${seed}`,
  ].filter((setting) => setting !== false);
  return [...named, ...set];
}

/**
 * The data settings of a command that reads all of `--data`: they ignore the configuration's own data, but `--set
 * data.columns.question=NAME` holds.
 */
export async function ownDataSettings(
  data: readonly string[] = [],
  split?: string,
  cwd = process.cwd(),
): Promise<string[]> {
  const paths = data.filter((path) => !isBuiltIn(path));
  // A built-in set alone decides the model that is used when none is named.
  if (paths.length === 0) return data.length === 1 ? [`data.type=${data[0]}`] : [];
  return [
    'data.type=figures',
    ...(await dataSettings(paths, cwd)),
    ...(split === undefined ? [] : [`data.split=${split}`]),
  ];
}

async function dataSettings(data: ConfigOptions['data'], cwd: string): Promise<string[]> {
  if (data === undefined || data.length === 0) return [];
  const { dataSetting, pathsOf } = await import('../data/open.ts');
  const drawn = pathsOf(data).find(isBuiltIn);
  if (drawn !== undefined) return [`data.type=${drawn}`];
  const { type, file } = await dataSetting(pathsOf(data).map((path) => resolve(cwd, path)));
  return [`data.type=${type}`, `data.trainFile=${file}`];
}
