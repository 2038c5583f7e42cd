import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import type { EngineName } from '../../compute/engine/engine.ts';
import type { PretrainProgress } from '../../pretrain/pretrain.ts';
import { PRETRAINED_SHAPES, type PretrainedSize } from '../../pretrain/random/shapes.ts';
import { BUILT_IN, type BuiltIn } from '../../data/settings.ts';
import type { Accuracy } from '../../protocol/messages.ts';
import { onInterrupt } from '../interrupt.ts';
import { parseCount, parseSeed } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';
import { accuracyTable } from '../view/accuracy.ts';
import { duration, percent } from '../view/format.ts';

interface Options extends OutputOptions {
  readonly out: string;
  readonly data: BuiltIn;
  readonly like?: PretrainedSize;
  readonly engine: EngineName;
  readonly seed: number;
  readonly steps?: number;
  readonly threads: number;
  readonly json?: boolean;
}

/** Steps between lines of progress. */
const EVERY_STEPS = 25;

export function pretrainCommand(): Command {
  const out = new Option(
    '-o, --out <folder>',
    'Hugging Face folder to write; an unfinished run found there is continued',
  ).makeOptionMandatory();
  return withOutput(new Command('pretrain'), out)
    .description(
      'Make a mini model with labels on a built-in data set: `models/mini` from nothing, or `models/ladder` from `models/mini`. With --like, widen that model to the shape of a large one and train it on.',
    )
    .addOption(
      new Option('-d, --data <name>', 'built-in data set that the model is made for')
        .choices(BUILT_IN)
        .default('figures'),
    )
    .addOption(
      new Option('--like <size>', "widen the data set's model to about so many weights").choices(
        Object.keys(PRETRAINED_SHAPES),
      ),
    )
    .addOption(new Option('--engine <name>', 'where gradients are computed').choices(['cpu', 'cuda']).default('cpu'))
    .option('--steps <count>', "steps of training, all stages together; default: the recipe's", parseCount)
    .option('--seed <seed>', 'seed of weights and data', parseSeed, 0)
    .option('--threads <count>', 'CPU threads', parseCount, availableParallelism())
    .option('--json', 'print each step as a line of JSON')
    .addHelpText(
      'after',
      '\nTakes half an hour on two cores. Ctrl-C saves; the same command continues from there.\n\nExamples:\n  quorum pretrain --out /tmp/mini --seed 0\n  quorum pretrain --data ladder --out /tmp/ladder\n  quorum pretrain --like 0.5b --engine cuda --steps 20 --out /tmp/wide',
    )
    .action(run);
}

async function run({ out, force = false, data, like, engine, seed, steps, threads, json }: Options): Promise<void> {
  const [{ pretrain }, { hasState }] = await Promise.all([
    import('../../pretrain/pretrain.ts'),
    import('../../pretrain/checkpoint.ts'),
  ]);
  const folder = await claimOutput({ option: '--out', path: out, force, isOurs: hasState });
  const signal = onInterrupt(() => console.error('Finishing the step in hand and saving ...'));
  const show = json ? (progress: PretrainProgress) => console.log(JSON.stringify(progress)) : progressLines(signal);
  const wide = like && { name: like, sizes: PRETRAINED_SHAPES[like] };
  const accuracy = await pretrain({ folder, data, like: wide, engine, seed, steps, threads, signal }, show);
  if (accuracy && !json) console.log(accuracyTable(accuracy).join('\n'));
  console.error(
    accuracy ? `Done: ${folder}` : `Stopped: ${folder} is unfinished; run the same command again to continue.`,
  );
}

function progressLines(signal: AbortSignal): (progress: PretrainProgress) => void {
  let [seconds, steps] = [0, 0];
  return (progress) => {
    if (progress.type === 'accuracy') {
      console.log(
        `step ${progress.step}  accuracy ${percent(progress.accuracy.greedy)} (greedy, ${progress.accuracy.n} held-out questions)${levelWords(progress.accuracy)}`,
      );
      return;
    }
    seconds += progress.seconds;
    steps++;
    if (progress.step % EVERY_STEPS !== 0 && progress.step !== progress.steps && !signal.aborted) return;
    const { stage, step, loss, gradNorm, learningRate } = progress;
    const left = duration(((progress.steps - step) * seconds) / steps);
    console.log(
      `${stage} ${step}/${progress.steps}  loss ${loss.toFixed(4)}  grad norm ${gradNorm.toFixed(3)}  lr ${learningRate.toExponential(2)}  ${left} left`,
    );
  };
}

/** Accuracy by level in per cent, where there are levels. */
function levelWords({ levels }: Accuracy): string {
  if (levels === undefined) return '';
  return `; by level ${Object.values(levels)
    .map((share) => (100 * share).toFixed(0))
    .join(' ')}`;
}
