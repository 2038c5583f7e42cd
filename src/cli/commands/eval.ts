import { Command, Option } from 'commander';
import { type ConfigOptions, ownDataSettings, resolveConfig, withConfigOptions } from '../config-options.ts';
import type { SuiteAccuracy } from '../../api/evaluate.ts';
import { onInterrupt } from '../interrupt.ts';
import { collect, collectColumn, parseCount, parseSeed } from '../options.ts';
import { accuracyTable, meanOf, suitesTable } from '../view/accuracy.ts';
import type { Columns } from '../../data/columns.ts';
import type { SuiteName } from '../../data/suites.ts';

interface Options extends Omit<ConfigOptions, 'data'> {
  readonly data?: readonly string[];
  readonly suite?: readonly (SuiteName | 'all')[];
  readonly column?: Columns;
  readonly n?: number;
  readonly k?: number;
  readonly json?: boolean;
}

const SUITE_CHOICES: readonly (SuiteName | 'all')[] = ['geometry', 'charts', 'counting', 'clocks', 'hard', 'all'];

const HELP = `
greedy is the accuracy of the likeliest answer, pass@1 that of a sampled one, maj@k that of the majority of k samples, and pass@k the share of
questions of which at least one of k samples is right. Same model, data and seed: same numbers.

Data sets are JSONL, JSON, CSV or TSV with picture files or base64, or Parquet; a file, a folder, or a pattern in quotes. Columns and layouts are
those of well-known sets (docs/data.md); --set data.columns.question=NAME, or --column question=NAME, names others.
Multiple choice is asked with its choices and counted right by letter or by text.

Examples:
  quorum eval --model models/mini --n 300
  quorum eval --model runs/default/model
  quorum eval --model ./improved --data ./held-out.jsonl --k 10 --json
  quorum eval --model ./qwen --data './mathvista/data/testmini-*.parquet' --column kind=metadata.category
  quorum eval --suite all --n 200`;

export function evalCommand(): Command {
  return withConfigOptions(new Command('eval'))
    .description('Measure the accuracy of a model on questions that have an answer.')
    .option('-m, --model <folder>', 'Hugging Face folder; default: the bundled one for the data (model)')
    .option(
      '-d, --data <path>',
      'file, folder or pattern, all of it, or `figures` or `ladder`, the held-out part of a built-in data set; may be repeated',
      collect,
    )
    .option('--split <name>', 'split of the data, such as test, where files or rows are of several (data.split)')
    .addOption(new Option('--suite <name...>', 'built-in suites').choices(SUITE_CHOICES))
    .option(
      '--column <role=name>',
      'column of the question, pictures, answer, choices, decimals, kind, id or level; may be repeated',
      collectColumn,
    )
    .option('-n, --n <count>', 'questions of each data set, at most; default: all, and 300 of a suite', parseCount)
    .option('-k, --k <count>', 'samples of each question (evaluation.k)', parseCount)
    .option('--seed <seed>', 'seeds the choice of questions and the samples (seed)', parseSeed)
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(evaluate);
}

async function evaluate({ data, split, suite = [], column, ...options }: Options): Promise<void> {
  const [{ evaluateModel }, { SUITE_NAMES }] = await Promise.all([
    import('../../api/evaluate.ts'),
    import('../../data/suites.ts'),
  ]);
  const k = options.k === undefined ? [] : [`evaluation.k=${options.k}`];
  // suites are of figures, so the model made for these is measured when none is named
  const own = data ?? (suite.length > 0 ? ['figures'] : undefined);
  const set = [...(await ownDataSettings(own, split)), ...k, ...(options.set ?? [])];
  const { config } = await resolveConfig({ ...options, set });
  const suites = suite.includes('all') ? SUITE_NAMES : (suite as readonly SuiteName[]);
  const request = {
    suites,
    ...(data && { data }),
    ...(column && { columns: column }),
    ...(options.n === undefined ? {} : { n: options.n }),
  };
  const signal = onInterrupt(() => console.error('Stopping ...'));
  const results = await evaluateModel(config, { ...request, signal });
  for (const note of results.flatMap(({ notes }) => notes)) console.error(note);
  for (const { question, reason } of results.flatMap(({ refused }) => refused))
    console.error(`Question ${question} is left out: ${reason}`);
  const head = { model: config.model, seed: config.seed };
  console.log(options.json ? JSON.stringify({ ...head, ...asData(results) }, null, 2) : asText(results).join('\n'));
}

function asData(results: readonly SuiteAccuracy[]): object {
  const [only] = results;
  if (only && results.length === 1) return asRow(only);
  return { suites: results.map(asRow), mean: meanOf(results.map(({ accuracy }) => accuracy)) };
}

function asRow({ data, accuracy, refused }: SuiteAccuracy): object {
  return { data, ...accuracy, ...(refused.length > 0 && { refused }) };
}

function asText(results: readonly SuiteAccuracy[]): string[] {
  const [only] = results;
  return only && results.length === 1 ? accuracyTable(only.accuracy) : suitesTable(results);
}
