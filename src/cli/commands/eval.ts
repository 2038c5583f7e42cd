import { resolve } from 'node:path';
import { Command } from 'commander';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { onInterrupt } from '../interrupt.ts';
import { parseCount, parseSeed } from '../options.ts';
import { accuracyTable } from '../view/accuracy.ts';

interface Options extends ConfigOptions {
  readonly n?: number;
  readonly k?: number;
  readonly json?: boolean;
}

const HELP = `
greedy is the accuracy of the likeliest answer, pass@1 that of a sampled one, maj@k that of the majority of k samples, and pass@k the share of
questions of which at least one of k samples is right. Same model, data and seed: same numbers.

Examples:
  quorum eval --model models/mini --n 300
  quorum eval --model ./improved --data ./held-out.jsonl --k 10 --json`;

export function evalCommand(): Command {
  return withConfigOptions(new Command('eval'))
    .description('Measure the accuracy of a model on questions that have an answer.')
    .option('-m, --model <folder>', 'Hugging Face folder (model)')
    .option('-d, --data <file>', 'JSONL file, all of it, or `figures`, the held-out part of the built-in data set')
    .option('-n, --n <count>', 'questions, at most; default: all', parseCount)
    .option('-k, --k <count>', 'samples of each question (evaluation.k)', parseCount)
    .option('--seed <seed>', 'seeds the choice of questions and the samples (seed)', parseSeed)
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(evaluate);
}

async function evaluate(options: Options): Promise<void> {
  const { evaluateModel } = await import('../evaluate-model.ts');
  const set = [...(options.k === undefined ? [] : [`evaluation.k=${options.k}`]), ...(options.set ?? [])];
  const { config } = await resolveConfig({ ...options, set });
  const signal = onInterrupt(() => console.error('Stopping ...'));
  const accuracy = await evaluateModel(config, { ...fileOf(options), ...(options.n === undefined ? {} : { n: options.n }) }, signal);
  const head = { model: config.model, data: options.data ?? config.data.type, seed: config.seed };
  console.log(options.json ? JSON.stringify({ ...head, ...accuracy }, null, 2) : accuracyTable(accuracy).join('\n'));
}

function fileOf({ data }: Options): { file?: string } {
  return data === undefined || data === 'figures' ? {} : { file: resolve(data) };
}
