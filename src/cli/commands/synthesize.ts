import { Command, Option } from 'commander';
import { type ConfigOptions, inputsOf, ownDataSettings, resolveConfig, withConfigOptions } from '../config-options.ts';
import { onInterrupt } from '../interrupt.ts';
import { collect, collectColumn, parseCount, parseSeed } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';
import type { Synthesized, SynthesizeRequest } from '../synthesize.ts';
import { duration, percent } from '../view/format.ts';
import type { Columns } from '../../data/columns.ts';

interface Options extends Omit<ConfigOptions, 'data'>, OutputOptions {
  readonly data?: readonly string[];
  readonly mode?: NonNullable<SynthesizeRequest['mode']>;
  readonly column?: Columns;
  readonly n: number;
  readonly out: string;
  readonly vote?: number;
  readonly json?: boolean;
}

const HELP = `
The model sees a picture (direct), or a picture and a question about it (in-context), and writes a question. Written are those that are one finished
question in words and no near-repetition of their seed or of another about the same picture; with --vote only those whose answers neither all agree
nor agree too little (filters.shareFloor). No answer of the data set is read.

The file has the columns of the Hugging Face layout, problem and images, and says where each question comes from: id, origin, parent, parent_problem,
model, version, seed, and with --vote the majority's answer and its share. Same model, data and seed: same questions.

Examples:
  quorum synthesize -n 200 --out synthetic.parquet
  quorum synthesize --model ./improved --data ./pictures.jsonl --mode direct -n 1000 --vote 10 --out synthetic.jsonl`;

export function synthesizeCommand(): Command {
  const out = new Option(
    '-o, --out <file>',
    'a .parquet file, or a .jsonl file; its pictures go into the folder images/ next to it',
  ).makeOptionMandatory();
  return withOutput(withConfigOptions(new Command('synthesize')), out)
    .description('Let a model write questions about pictures, and keep those that can be asked.')
    .option('-m, --model <folder>', 'Hugging Face folder (model)')
    .option(
      '-d, --data <path>',
      'file, folder or pattern, all of it; may be repeated; default: the training part of the configured data',
      collect,
    )
    .option('--split <name>', 'split of the data, where files or rows are of several (data.split)')
    .addOption(
      new Option(
        '--mode <mode>',
        'from the picture alone, from a question about it, or both; default: both if the data has questions',
      ).choices(['direct', 'in-context', 'both']),
    )
    .option('--column <role=name>', 'column of the question, pictures or id; may be repeated', collectColumn)
    .option('-n, --n <count>', 'questions to write', parseCount, 100)
    .option(
      '--vote <count>',
      'sample this many answers to each question and keep those worth learning from',
      parseCount,
    )
    .option('--seed <seed>', 'seeds the choice of pictures and the samples (seed)', parseSeed)
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(synthesize);
}

async function synthesize({
  data,
  split,
  mode,
  column,
  n,
  out,
  force = false,
  vote,
  json,
  ...options
}: Options): Promise<void> {
  const { synthesizeQuestions } = await import('../synthesize.ts');
  const loaded = await resolveConfig({
    ...options,
    set: [...(await ownDataSettings(data, split)), ...(options.set ?? [])],
  });
  const { config } = loaded;
  const inputs = [...inputsOf(loaded), ...(data ?? [])];
  const file = await claimOutput({ option: '--out', path: out, force, inputs });
  const request = {
    n,
    file,
    force,
    ...(data && { data }),
    ...(mode && { mode }),
    ...(column && { columns: column }),
    ...(vote && { vote }),
  };
  const signal = onInterrupt(() => console.error('Stopping; what was written so far is kept.'));
  const done = await synthesizeQuestions(config, request, signal);
  console.log(json ? JSON.stringify(done, null, 2) : describe(done).join('\n'));
}

function describe({ file, questions, pictures, written, rejected, seconds }: Synthesized): string[] {
  const reasons = Object.entries(rejected).toSorted(([, a], [, b]) => b - a);
  const why = reasons.map(([reason, count]) => `${reason} ${count}`).join(', ');
  return [
    `${questions} questions about ${pictures} pictures: ${file}`,
    `${written} were written in ${duration(seconds)}, ${percent(questions / written)} of them accepted${why && `; rejected: ${why}`}`,
  ];
}
