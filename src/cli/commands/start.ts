import { Command } from 'commander';
import pc from 'picocolors';
import type { Report } from '../../protocol/status.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { EXIT } from '../errors.ts';
import { interruptible } from '../interrupt.ts';
import { parseCount, parseSeed } from '../options.ts';
import { chooseDisplay, createDisplay } from '../view/display.ts';
import { duration, percent, points } from '../view/format.ts';

interface Options extends ConfigOptions {
  readonly report?: string;
  readonly json?: boolean;
}

const HELP = `
Runs in the foreground. Ctrl-C finishes the step in hand, saves, and says where the model is; the same command goes on from there.
A second Ctrl-C ends the process at once: what was durable is still there, and the next start goes on from it.

On a terminal the view is live; elsewhere (or with CI or TERM=dumb set) there is a line for each step. NO_COLOR is honoured.

Examples:
  quorum start
  quorum start --model ./my-model --data ./questions.jsonl --run runs/mine
  quorum start --steps 60 --seed 1 --report report.json --set learner.learningRate=3e-5
  quorum start --json | jq .version`;

export function startCommand(): Command {
  return withConfigOptions(new Command('start'))
    .description('Run the daemon in the foreground: it learns until told to stop.')
    .option('-m, --model <folder>', 'Hugging Face folder of the base model (model)')
    .option('-d, --data <path>', 'JSONL or Parquet, a file, folder or pattern, or `figures`, the built-in data set (data)')
    .option('-r, --run <folder>', 'folder of this run: database, log, checkpoints (runFolder)')
    .option('--steps <count>', 'stop after this many learner steps, earlier sittings included (loop.steps)', parseCount)
    .option('--seed <seed>', 'seeds everything that is random (seed)', parseSeed)
    .option('--report <file>', 'write a JSON report at the end')
    .option('--json', 'print statuses and the report as lines of JSON')
    .addHelpText('after', HELP)
    .action(start);
}

async function start(options: Options): Promise<void> {
  const { config, folder } = await resolveConfig(options);
  const kind = chooseDisplay(options.json === true, process.stdout);
  if (kind === 'live') console.log(pc.dim(`Opening ${config.model} ...`));
  const hooks = { handleSignals: true, pluginFolder: folder, ...(options.report === undefined ? {} : { reportFile: options.report }) };
  const daemon = await interruptible(
    () => console.error('Stopping before the model is loaded; nothing was begun. The same command starts again.'),
    async (signal) => (await import('../../daemon.ts')).startDaemon(config, { ...hooks, signal }),
  );
  if (daemon.dashboard?.links) showLinks(daemon.dashboard.links);
  const display = createDisplay(kind, process.stdout);
  const shown = daemon.status$().subscribe((status) => display.show(status));
  const report = await daemon.closed();
  display.show(daemon.status());
  shown.unsubscribe();
  display.end();
  if (kind === 'json') console.log(JSON.stringify({ type: 'report', ...report }));
  else console.log(closingWords(report).join('\n'));
  if (report.end === 'failed') process.exitCode = EXIT.failed;
}

/** Once, and only where a person reads it: who has such an address may look, or command. */
function showLinks({ view, control }: { readonly view: string; readonly control: string }): void {
  const lines = process.stderr.isTTY
    ? ['Open the dashboard once by one of these; the browser is let in from then on.', `  to look      ${view}`, `  to command   ${control}`]
    : ['The dashboard asks for a token: yours, or the one in dashboard-tokens.json of the run folder.'];
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** What a user wants to know when the daemon has stopped: how good, where the model is, how to go on. */
export function closingWords({ steps, wallSeconds, history, folder, bestFolder, end, error }: Report): string[] {
  const [first, last] = [history[0], history.at(-1)];
  const gain = first && last && first !== last ? ` (${points(last.greedy - first.greedy)} points from ${percent(first.greedy)})` : '';
  return [
    '',
    ...(end === 'failed' ? [pc.red(`Failed: ${error ?? 'a part failed past its restart budget'}`)] : []),
    `${pc.bold(`Version ${steps}`)} after ${duration(wallSeconds)}${last ? `: accuracy ${percent(last.greedy)}${gain}` : ''}`,
    `  model  ${folder}`,
    ...(bestFolder === null ? [] : [`  best   ${bestFolder}`]),
    'Start again to go on from here.',
  ];
}
