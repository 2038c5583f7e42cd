import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { parseCount, parseSeed } from '../options.ts';

interface Options {
  readonly out: string;
  readonly n: number;
  readonly seed: number;
  readonly pool: 'train' | 'heldout';
  readonly hard?: boolean;
}

export function figuresCommand(): Command {
  return new Command('figures')
    .description('Write the built-in data set as JSONL and PNG files, with labels.')
    .requiredOption('-o, --out <folder>', 'folder to write data.jsonl and images/ to')
    .option('-n, --n <count>', 'number of pictures', parseCount, 1000)
    .option('--seed <seed>', 'seed of pictures and questions', parseSeed, 0)
    .addOption(
      new Option('--pool <pool>', 'every question of a picture (train), or one question a picture and none of the training pictures (heldout)')
        .choices(['train', 'heldout'])
        .default('heldout'),
    )
    .option('--hard', 'draw with more jitter and noise')
    .addHelpText('after', '\nExample:\n  quorum figures --out /tmp/figures --n 300 --seed 7')
    .action(figures);
}

async function figures({ out, n, seed, pool, hard }: Options): Promise<void> {
  const { exportFigures } = await import('../../data/export.ts');
  const folder = resolve(out);
  const questions = pool === 'train' ? 'all' : 'one';
  const written = await exportFigures(folder, { pool, pictures: n, seed, questions, rendering: hard ? 'hard' : 'plain' });
  console.log(`${written.questions} questions about ${written.pictures} pictures: ${folder}/data.jsonl`);
}
