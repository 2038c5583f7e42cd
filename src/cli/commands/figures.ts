import { Command, Option } from 'commander';
import type { Rendering } from '../../data/figures/canvas.ts';
import type { SuiteName } from '../../data/suites.ts';
import { parseCount, parseSeed } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';

interface Options extends OutputOptions {
  readonly out: string;
  readonly n: number;
  readonly seed: number;
  readonly pool: 'train' | 'heldout';
  readonly rendering: Rendering;
  readonly suite?: SuiteName | 'ladder';
}

const HELP = `
Examples:
  quorum figures --out /tmp/figures --n 300 --seed 7
  quorum figures --out /tmp/charts.parquet --suite charts
  quorum figures --out /tmp/ladder --suite ladder --n 1200`;

export function figuresCommand(): Command {
  const out = new Option(
    '-o, --out <folder>',
    'folder to write data.jsonl and images/ to, or a .parquet file',
  ).makeOptionMandatory();
  return withOutput(new Command('figures'), out)
    .description('Write the built-in data set as JSONL and PNG files or as Parquet, with labels.')
    .option('-n, --n <count>', 'number of pictures', parseCount, 1000)
    .option('--seed <seed>', 'seed of pictures and questions', parseSeed, 0)
    .addOption(
      new Option(
        '--pool <pool>',
        'every question of a picture (train), or one question a picture and none of the training pictures (heldout)',
      )
        .choices(['train', 'heldout'])
        .default('heldout'),
    )
    .addOption(
      new Option('--rendering <name>', 'more jitter and noise: hard; much more: harsh')
        .choices(['plain', 'hard', 'harsh'] satisfies Rendering[])
        .default('plain'),
    )
    .addOption(
      new Option('--suite <name>', 'one of the suites that `eval --suite` measures on; `ladder`: with a level a row')
        .choices(['geometry', 'charts', 'counting', 'clocks', 'hard', 'ladder'] satisfies (SuiteName | 'ladder')[])
        .conflicts(['pool', 'rendering']),
    )
    .addHelpText('after', HELP)
    .action(figures);
}

async function figures({ out, force = false, n, seed, pool, rendering, suite }: Options): Promise<void> {
  const [{ exportFigures }, { openSuite }, { openFigures }] = await Promise.all([
    import('../../data/export.ts'),
    import('../../data/suites.ts'),
    import('../../data/figures/dataset.ts'),
  ]);
  const questions = pool === 'train' ? 'all' : 'one';
  const path = await claimOutput({ option: '--out', path: out, force });
  const figures =
    suite === undefined ? openFigures({ pool, pictures: n, seed, questions, rendering }) : openSuite(suite, seed, n);
  const written = await exportFigures(path, figures, force);
  console.log(`${written.questions} questions about ${written.pictures} pictures: ${written.file}`);
}
