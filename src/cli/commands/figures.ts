import { Command, Option } from 'commander';
import type { LabelledDataset } from '../../data/dataset.ts';
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
  const { exportFigures } = await import('../../data/export.ts');
  const path = await claimOutput({ option: '--out', path: out, force });
  const written = await exportFigures(path, await openChosen({ n, seed, pool, rendering, suite }), force);
  console.log(`${written.questions} questions about ${written.pictures} pictures: ${written.file}`);
}

async function openChosen({
  n: pictures,
  seed,
  pool,
  rendering,
  suite,
}: Pick<Options, 'n' | 'seed' | 'pool' | 'rendering'> & {
  readonly suite: Options['suite'];
}): Promise<LabelledDataset> {
  if (suite === 'ladder')
    return (await import('../../data/figures/ladder/dataset.ts')).openLadder({ pool: 'suite', pictures, seed });
  const [{ openFigures }, { suiteOptions }] = await Promise.all([
    import('../../data/figures/dataset.ts'),
    import('../../data/suites.ts'),
  ]);
  if (suite !== undefined) return openFigures(suiteOptions(suite, seed, pictures));
  return openFigures({ pool, pictures, seed, questions: pool === 'train' ? 'all' : 'one', rendering });
}
