/** Options and words that all experiments share. */
import { Option, InvalidArgumentError, type Command } from 'commander';
import type { ConfigInput } from '../config/schema.ts';
import { BUILT_IN, type BuiltIn } from '../data/settings.ts';
import type { Estimate } from '../experiment/estimate.ts';
import { CancelledError } from '../protocol/errors.ts';
import { onInterrupt } from './interrupt.ts';
import { collect, parseCount, parsePositive } from './options.ts';
import { claimOutput, withOutput, type OutputOptions } from './output.ts';
import { duration } from './view/format.ts';

/** Of every experiment. */
export interface SharedOptions extends OutputOptions {
  readonly model?: string;
  readonly data: BuiltIn;
  readonly out: string;
  readonly seeds: number;
  readonly minutes?: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

export function withShared(command: Command, folder: string): Command {
  const output = new Option(
    '-o, --out <folder>',
    'where runs and reports go; an experiment found there is continued',
  ).default(folder);
  return withOutput(command, output)
    .option(
      '-m, --model <folder>',
      'Hugging Face folder that every run starts from; default: the one made for the data',
    )
    .addOption(new Option('-d, --data <name>', 'built-in data set').choices(BUILT_IN).default('figures'))
    .option('--seeds <count>', 'seeds 0 to count - 1 of each', parseCount, 3)
    .option('--minutes <number>', 'end after these; the same command continues', parsePositive)
    .option('--set <path=value>', 'set one key of the configuration of every run; may be given more than once', collect)
    .option('--json', 'print the results as JSON');
}

/** The options of every experiment as an experiment takes them. @throws InputError. */
export async function sharedOf({ model, data, out, force = false, seeds, minutes, set = [] }: SharedOptions) {
  const { isExperiment } = await import('../experiment/session.ts');
  const { applyOverrides } = await import('../config/override.ts');
  const { completeConfig } = await import('../config/load.ts');
  const base = model ?? completeConfig({ data: { type: data } }).config.model;
  const inputs = [base];
  const folder = await claimOutput({ option: '--out', path: out, force, inputs, isOurs: isExperiment });
  return {
    model: base,
    data,
    folder,
    seeds: Array.from({ length: seeds }, (_, seed) => seed),
    config: applyOverrides({}, set, process.cwd()) as ConfigInput,
    signal: onInterrupt(() => console.error('Stopping; the same command continues from here.')),
    ...(minutes !== undefined && { minutes }),
  };
}

/** Ctrl-C ends an experiment without an error; it can be continued. */
export async function unlessCancelled(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    process.exitCode = 130;
  }
}

export function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Expected names with commas between them.');
  return names;
}

export function estimateWords({ runs, done, seconds }: Estimate): string {
  const found = done === 0 ? '' : `, ${done} of them done before`;
  return `${runs} runs${found}${done === runs ? '' : `: about ${duration(seconds)} on this machine`}`;
}
