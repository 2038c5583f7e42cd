import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ExperimentProgress } from '../../experiment/experiment.ts';
import { AVERAGE, percent, type Tables } from '../../experiment/statistics.ts';
import { mean } from '../../lib/mean.ts';
import { CancelledError } from '../../protocol/errors.ts';
import { onInterrupt } from '../interrupt.ts';
import { parseCount } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';
import { packagePath } from '../../lib/package-path.ts';
import { duration } from '../view/format.ts';

interface Options extends OutputOptions {
  readonly model: string;
  readonly out: string;
  readonly methods?: readonly string[];
  readonly seeds: number;
  readonly budgetSteps: number;
  readonly suiteQuestions: number;
  readonly k: number;
  readonly ablations?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  quorum experiment tables
  quorum experiment tables --methods mm-upt,supervised-grpo,lmsi --seeds 1 --budget-steps 20
  quorum experiment tables --ablations`;

const HELP = `
Each run asks as many questions as --budget-steps full batches hold and is then measured on five held-out suites. What was run is kept under --out and
not run again, so the same command continues where it stopped. The tables are written there as Markdown, CSV and HTML.
${EXAMPLES}`;

export function experimentCommand(): Command {
  const output = new Option(
    '-o, --out <folder>',
    'where runs and tables go; an experiment found there is continued',
  ).default('runs/experiment');
  const tables = withOutput(new Command('tables'), output)
    .description('Train by every method from the same base with the same budget, and compare them on held-out suites.')
    .option('-m, --model <folder>', 'Hugging Face folder that every run starts from', packagePath('models/mini'))
    .option('--methods <names>', 'methods, with commas; default: all', parseNames)
    .option('--seeds <count>', 'seeds 0 to count - 1 of each', parseCount, 3)
    .option('--budget-steps <count>', 'questions of each run, in full batches of 32', parseCount, 60)
    .option('--suite-questions <count>', 'questions of each suite', parseCount, 150)
    .option('-k, --k <count>', 'samples of each question for maj@k and pass@k', parseCount, 10)
    .option('--ablations', 'also vary MM-UPT one setting at a time')
    .option('--json', 'print the rows as JSON')
    .addHelpText('after', HELP)
    .action(run);
  return new Command('experiment')
    .description('Compare methods on the embedded benchmark.')
    .addCommand(tables)
    .addHelpText('after', EXAMPLES);
}

function parseNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('Expected names with commas between them.');
  return names;
}

async function run({ json, out, force = false, seeds, ablations, ...options }: Options): Promise<void> {
  const { isExperiment, runExperiment } = await import('../../experiment/experiment.ts');
  const folder = await claimOutput({
    option: '--out',
    path: out,
    force,
    inputs: [options.model],
    isOurs: isExperiment,
  });
  const signal = onInterrupt(() => console.error('Stopping; the same command continues from here.'));
  const all = {
    ...options,
    folder,
    seeds: Array.from({ length: seeds }, (_, seed) => seed),
    ablations: ablations === true,
    config: {},
    signal,
  };
  try {
    const tables = await runExperiment(all, show);
    console.log(json ? JSON.stringify(tables, null, 2) : summary(tables, folder));
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    process.exitCode = 130;
  }
}

function show(progress: ExperimentProgress): void {
  if (progress.type === 'cell') console.error(`${progress.at} of ${progress.of}: ${progress.name}`);
  else {
    const { suites, steps, seconds } = progress.result;
    const greedy = mean(Object.values(suites).map((suite) => suite.greedy));
    console.error(
      `  greedy ${percent(greedy)} % over the suites${steps > 0 ? `, ${steps} steps in ${duration(seconds)}` : ''}`,
    );
  }
}

function summary({ rows, expectations }: Tables, folder: string): string {
  const wide = Math.max(...rows.map(({ method, variation }) => (variation ?? method).length)) + 2;
  const lines = rows.map(({ method, variation, suites }) => {
    const { mean, deviation } = suites[AVERAGE]!.greedy;
    return `${(variation ?? method).padEnd(wide)}${percent(mean).padStart(6)}${deviation === null ? '' : ` ± ${percent(deviation)}`}`;
  });
  const checks = expectations.map(
    ({ text, held, detail }) =>
      `${held === null ? 'not tested' : held ? 'held      ' : 'NOT HELD  '}  ${text} (${detail})`,
  );
  return [...lines, '', ...checks, '', `Tables: ${join(folder, 'tables.md')}, tables.csv, tables.html`].join('\n');
}
