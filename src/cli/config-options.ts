/** The options that `start`, `eval`, `ask`, `doctor` and the rest share: where the configuration comes from and what overrides it. */
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { collect } from './options.ts';
import { packagePath } from './paths.ts';

export interface ConfigOptions {
  readonly config?: string;
  readonly model?: string;
  readonly data?: string;
  readonly run?: string;
  readonly steps?: number;
  readonly stopWhen?: string;
  readonly seed?: number;
  readonly set?: readonly string[];
}

export function withConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file; default: quorum.config.{ts,js,json,yaml} here, where there is one')
    .option('--set <path=value>', 'set one key of the configuration; may be given more than once', collect);
}

/**
 * Options with a name of their own are settings too; `--set` comes last and wins. Where no model is named and `./models/mini` is not there, as away
 * from the clone, it is the one that came with the package.
 * @param continues whether the command goes on with the run in the run folder, so that the run's own preset holds.
 * @throws InputError that names the option or key.
 */
export async function resolveConfig(options: ConfigOptions, cwd = process.cwd(), continues = false): Promise<LoadedConfig> {
  const { loadConfig } = await import('../config/load.ts');
  const set = await settings(options, cwd);
  const fallbackModel = packagePath('models/mini');
  return loadConfig({ cwd, set, fallbackModel, continues, ...(options.config === undefined ? {} : { file: options.config }) });
}

/** Files, folders and patterns that a command with this configuration reads. */
export function inputsOf({ config: { model, data }, file }: LoadedConfig): string[] {
  const { trainFile, heldOutFile } = data.type === 'figures' ? {} : data;
  return [model, trainFile, heldOutFile, file].filter((path) => path !== undefined);
}

async function settings({ model, data, run, steps, stopWhen, seed, set = [] }: ConfigOptions, cwd: string): Promise<string[]> {
  const named = [
    model !== undefined && `model=${model}`,
    ...(await dataSettings(data, cwd)),
    run !== undefined && `runFolder=${run}`,
    steps !== undefined && `loop.steps=${steps}`,
    stopWhen !== undefined && `loop.stopWhen=${JSON.stringify(stopWhen)}`,
    seed !== undefined && `seed=${seed}`,
  ].filter((setting) => setting !== false);
  return [...named, ...set];
}

async function dataSettings(data: string | undefined, cwd: string): Promise<string[]> {
  if (data === undefined) return [];
  if (data === 'figures') return ['data.type=figures'];
  const { fileType } = await import('../data/open.ts');
  const { type, file } = await fileType(resolve(cwd, data));
  return [`data.type=${type}`, `data.trainFile=${file}`];
}
