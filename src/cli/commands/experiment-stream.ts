import { join } from 'node:path';
import { Command } from 'commander';
import type { StreamProgress, StreamReport } from '../../experiment/stream.ts';
import { percent, shown } from '../../experiment/statistics.ts';
import { parseCount } from '../options.ts';
import { duration } from '../view/format.ts';
import {
  estimateWords,
  parseNames,
  sharedOf,
  unlessCancelled,
  withShared,
  type SharedOptions,
} from '../experiment-options.ts';

interface Options extends SharedOptions {
  readonly stages?: readonly string[];
  readonly stageSteps: number;
  readonly heldOut: number;
}

const HELP = `
The loop gets a stream of questions and is not told where one stage ends: the questions of the first kind of pictures, then those of the second, and so on.
Reported are accuracy on all stages over time, the points that each loses from its best, and how fast each is learnt next to a fresh run of the same questions
alone. Runs are kept under --out as in 'experiment methods'; the report is written there as Markdown, JSON and HTML.

Examples:
  quorum experiment stream --data ladder --out runs/stream
  quorum experiment stream --stages rectangle,triangle,bars,clock --stage-steps 10 --seeds 1
  quorum experiment stream --data ladder --stages digits,hours --set learner.learningRate=3e-5`;

export function streamCommand(): Command {
  return withShared(new Command('stream'), 'runs/stream')
    .description(
      'Learn from kinds of pictures that arrive one after the other: what is learnt, how fast, and what is lost.',
    )
    .option(
      '--stages <names>',
      'families of the ladder or kinds of figures, in order; default: the first four',
      parseNames,
    )
    .option('--stage-steps <count>', 'questions of each stage, in full batches of 32', parseCount, 60)
    .option('--held-out <count>', 'held-out questions of each stage', parseCount, 60)
    .addHelpText('after', HELP)
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { runStream } = await import('../../experiment/stream.ts');
  const shared = await sharedOf(options);
  const { stages, stageSteps, heldOut, json = false } = options;
  await unlessCancelled(async () => {
    const own = { stageSteps, heldOut, ...(stages !== undefined && { stages }) };
    const report = await runStream({ ...shared, ...own }, show);
    console.log(json ? JSON.stringify(report, null, 2) : summary(report, shared.folder));
  });
}

function show(progress: StreamProgress): void {
  if (progress.type === 'estimate') console.error(estimateWords(progress.estimate));
  else if (progress.type === 'run') console.error(`${progress.at} of ${progress.of}: ${progress.name}`);
  else {
    const { points, steps, seconds } = progress.result;
    const now = Object.entries(points.at(-1)?.stages ?? {}).map(([stage, greedy]) => `${stage} ${percent(greedy)} %`);
    console.error(`  ${now.join(', ')} after ${steps} steps in ${duration(seconds)}`);
  }
}

function summary({ rows, left }: StreamReport, folder: string): string {
  const wide = Math.max(0, ...rows.map(({ stage }) => stage.length)) + 2;
  const lines = rows.map(
    ({ stage, before, after, end, forgotten, during, fresh }) =>
      `${stage.padEnd(wide)}${shown(before)} -> ${shown(after)}, at the end ${shown(end)}, forgotten ${shown(forgotten)}; ` +
      `while learnt ${shown(during)}, fresh ${fresh === null ? 'not run' : shown(fresh.during)}`,
  );
  const late = left === 0 ? [] : [`The time is over: ${left} runs are left, the same command continues.`];
  return [...lines, '', ...late, `Report: ${join(folder, 'stream.md')}, stream.json, stream.html`].join('\n');
}
