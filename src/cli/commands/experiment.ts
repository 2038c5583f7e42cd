import { join } from 'node:path';
import { Command } from 'commander';
import type { ExperimentProgress, ExperimentResult } from '../../experiment/experiment.ts';
import { expectationWords } from '../../experiment/expectations.ts';
import { AVERAGE, percent } from '../../experiment/statistics.ts';
import { mean } from '../../lib/mean.ts';
import {
  estimateWords,
  parseNames,
  sharedOf,
  unlessCancelled,
  withShared,
  type SharedOptions,
} from '../experiment-options.ts';
import { parseCount } from '../options.ts';
import { duration } from '../view/format.ts';
import { streamCommand } from './experiment-stream.ts';

interface Options extends SharedOptions {
  readonly methods?: readonly string[];
  readonly budgetSteps: number;
  readonly suiteQuestions: number;
  readonly k: number;
  readonly objectives?: boolean;
  readonly ablations?: boolean;
}

const EXAMPLES = `
Examples:
  quorum experiment methods
  quorum experiment methods --data ladder --objectives --minutes 480 --out runs/ladder
  quorum experiment methods --methods mm-upt,supervised-grpo,lmsi --seeds 1 --budget-steps 20
  quorum experiment methods --ablations`;

const HELP = `
Each run asks as many questions as --budget-steps full batches hold and is then measured on held-out suites: five of figures, or one for each family of the
ladder, with accuracy by level. How long it will take is said before it begins. Runs go seed after seed. What was run is kept under --out and not run again,
so the same command continues where it stopped or where --minutes ended it. The tables are written there as Markdown, CSV and HTML.
${EXAMPLES}`;

export function experimentCommand(): Command {
  const methods = withShared(new Command('methods'), 'runs/experiment')
    .description('Train by every method from the same base with the same budget, and compare them on held-out suites.')
    .option('--methods <names>', 'methods, with commas; default: all', parseNames)
    .option('--budget-steps <count>', 'questions of each run, in full batches of 32', parseCount, 60)
    .option('--suite-questions <count>', 'questions of each suite', parseCount, 150)
    .option('-k, --k <count>', 'samples of each question for maj@k and pass@k', parseCount, 10)
    .option('--objectives', 'also MM-UPT with each other objective')
    .option('--ablations', 'also vary MM-UPT one setting at a time, the objective among them')
    .addHelpText('after', HELP)
    .action(run);
  return new Command('experiment')
    .description('Compare methods on the embedded benchmarks, and follow a stream of kinds of pictures.')
    .addCommand(methods)
    .addCommand(streamCommand())
    .addHelpText('after', EXAMPLES);
}

async function run(options: Options): Promise<void> {
  const { runExperiment } = await import('../../experiment/experiment.ts');
  const shared = await sharedOf(options);
  const { methods, budgetSteps, suiteQuestions, k, objectives = false, ablations = false, json } = options;
  await unlessCancelled(async () => {
    const own = { budgetSteps, suiteQuestions, k, objectives, ablations, ...(methods !== undefined && { methods }) };
    const result = await runExperiment({ ...shared, ...own }, show);
    console.log(json ? JSON.stringify(result, null, 2) : summary(result, shared.folder));
  });
}

function show(progress: ExperimentProgress): void {
  if (progress.type === 'estimate') console.error(estimateWords(progress.estimate));
  else if (progress.type === 'cell') console.error(`${progress.at} of ${progress.of}: ${progress.name}`);
  else {
    const { suites, steps, seconds } = progress.result;
    const greedy = mean(Object.values(suites).map((suite) => suite.greedy));
    console.error(
      `  greedy ${percent(greedy)} % over the suites${steps > 0 ? `, ${steps} steps in ${duration(seconds)}` : ''}`,
    );
  }
}

function summary({ rows, expectations, left }: ExperimentResult, folder: string): string {
  const wide = Math.max(0, ...rows.map(({ method, variation }) => (variation ?? method).length)) + 2;
  const lines = rows.map(({ method, variation, suites }) => {
    const { mean, deviation } = suites[AVERAGE]!.greedy;
    return `${(variation ?? method).padEnd(wide)}${percent(mean).padStart(6)}${deviation === null ? '' : ` ± ${percent(deviation)}`}`;
  });
  const late = left === 0 ? [] : [`The time is over: ${left} runs are left, the same command continues.`, ''];
  const files = `Tables: ${join(folder, 'tables.md')}, tables.csv, tables.html`;
  return [...lines, '', ...expectations.map(expectationWords), '', ...late, files].join('\n');
}
