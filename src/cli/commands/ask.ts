import { Command } from 'commander';
import pc from 'picocolors';
import type { Generated } from '../../api/generate.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { onInterrupt } from '../interrupt.ts';
import { collect, parseCount, parseTemperature, parseSeed } from '../options.ts';

interface Options extends ConfigOptions {
  readonly image?: readonly string[];
  readonly question: string;
  readonly samples: number;
  readonly temperature?: number;
  readonly json?: boolean;
}

/** The winner is green; the other classes cycle through these colours. */
const OTHERS = [pc.yellow, pc.cyan, pc.magenta, pc.blue, pc.red] as const;

export function askCommand(): Command {
  return withConfigOptions(new Command('ask'))
    .description('Ask a model one question about a picture several times, and let the answers vote.')
    .option('-m, --model <folder>', 'Hugging Face folder; default: the bundled one for the data (model)')
    .option('-i, --image <file>', 'picture; may be given more than once', collect)
    .requiredOption('-q, --question <text>', 'the question')
    .option('-G, --samples <count>', 'answers to sample', parseCount, 10)
    .option(
      '--temperature <t>',
      'sampling temperature (sampling.temperature); 0 is greedy: every answer is the likeliest',
      parseTemperature,
    )
    .option('--seed <seed>', 'seeds the samples (seed)', parseSeed)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExample:\n  quorum ask --model models/mini --image figure.png --question "how many discs ?" -G 10',
    )
    .action(ask);
}

async function ask(options: Options): Promise<void> {
  const [{ generate }, { openConfigured }] = await Promise.all([
    import('../../api/generate.ts'),
    import('../../api/model.ts'),
  ]);
  const { samples, question, image = [], temperature } = options;
  const isGreedy = temperature === 0; // training is never greedy, so the setting does not allow it
  const set = [
    ...(temperature === undefined || isGreedy ? [] : [`sampling.temperature=${temperature}`]),
    ...(options.set ?? []),
  ];
  const { config } = await resolveConfig({ ...options, set });
  const signal = onInterrupt(() => console.error('Stopping ...'));
  await using model = await openConfigured(config, signal);
  const answered = await generate(
    model,
    { text: question, images: image },
    { samples, signal, ...(isGreedy && { temperature: 0 }) },
  );
  const scaled = answered.scaledPictures;
  if (scaled > 0)
    console.error(
      `${scaled === 1 ? '1 picture is' : `${scaled} pictures are`} scaled down to ${config.pictures.maxTokens} tokens (pictures.maxTokens)`,
    );
  console.log(options.json ? JSON.stringify(answered, null, 2) : describe(answered).join('\n'));
}

function describe({ samples, winner, share, answer }: Generated): string[] {
  const lines = samples.map(({ text, class: of, finish }) => {
    const paint = of === winner ? pc.green : of < 0 ? pc.dim : OTHERS[of % OTHERS.length]!;
    return `${paint(of < 0 ? '·' : '●')} ${paint(text.trim())}${finish === 'length' ? pc.dim('  (cut off)') : ''}`;
  });
  const votes = Math.round(share * samples.length);
  const vote =
    answer === null
      ? pc.dim('no answer was given in \\boxed{}')
      : `${pc.bold(pc.green(answer))}  ${votes} of ${samples.length} votes (share ${share.toFixed(2)})`;
  return [...lines, '', vote];
}
