import { resolve } from 'node:path';
import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { onInterrupt } from '../interrupt.ts';
import { parseCount, parseSeed } from '../options.ts';
import { duration } from '../view/format.ts';

interface Options {
  readonly out: string;
  readonly seed: number;
  readonly threads: number;
  readonly json?: boolean;
}

/** Lines between which there is one with progress. */
const EVERY_STEPS = 25;

export function pretrainCommand(): Command {
  return new Command('pretrain')
    .description('Make a mini model from nothing, with labels, on the built-in data set: what `models/mini` was made with.')
    .requiredOption('-o, --out <folder>', 'Hugging Face folder to write; an unfinished run found there goes on')
    .option('--seed <seed>', 'seed of weights and data', parseSeed, 0)
    .option('--threads <count>', 'CPU threads', parseCount, availableParallelism())
    .option('--json', 'print each step as a line of JSON')
    .addHelpText(
      'after',
      '\nTakes most of an hour on two cores. Ctrl-C saves; the same command goes on from there.\n\nExample:\n  quorum pretrain --out /tmp/mini --seed 0',
    )
    .action(run);
}

async function run({ out, seed, threads, json }: Options): Promise<void> {
  const { pretrain } = await import('../../pretrain/pretrain.ts');
  const folder = resolve(out);
  let seconds = 0;
  const signal = onInterrupt(() => console.error('Finishing the step in hand and saving ...'));
  const done = await pretrain({ folder, seed, threads, signal }, (progress) => {
    if (json) console.log(JSON.stringify(progress));
    if (progress.type === 'accuracy') {
      if (!json) console.log(`held-out greedy ${(100 * progress.accuracy.greedy).toFixed(1)} %  (n ${progress.accuracy.n})`);
      return;
    }
    seconds += progress.seconds;
    const { stage, step, steps, loss, gradNorm, learningRate } = progress;
    if (json) return;
    if (step % EVERY_STEPS === 0 || step === steps) {
      const left = duration(((steps - step) * seconds) / Math.max(1, step));
      console.log(
        `${stage} ${step}/${steps}  loss ${loss.toFixed(4)}  grad norm ${gradNorm.toFixed(3)}  lr ${learningRate.toExponential(2)}  ${left} left`,
      );
    }
  });
  console.error(done ? `Done: ${folder}` : `Stopped: ${folder} is unfinished; run the same command again to go on.`);
}
