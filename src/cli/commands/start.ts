import { Command, Option } from 'commander';
import pc from 'picocolors';
import type { LoadedConfig } from '../../config/load.ts';
import { presetWords } from '../../config/preset.ts';
import type { Config } from '../../config/schema.ts';
import type { NatsServer } from '../../cluster/nats-server.ts';
import type { DaemonHandle, DaemonHooks } from '../../daemon/daemon-handle.ts';
import { keepTold, longestItemSeconds, takeServiceManager, type ServiceManager } from '../../daemon/notify.ts';
import { labelFreeWords } from '../../daemon/label-words.ts';
import type { Report } from '../../protocol/status.ts';
import { type ConfigOptions, inputsOf, resolveConfig, withConfigOptions } from '../config-options.ts';
import { EXIT } from '../errors.ts';
import { heedHangUp } from '../hang-up.ts';
import { interruptible } from '../interrupt.ts';
import { collect, parseCount, parsePort, parseSeed } from '../options.ts';
import { cacheFolder } from '../../lib/cache-folder.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';
import { chooseDisplay, createDisplay } from '../view/display.ts';
import { duration, percent, points } from '../view/format.ts';
import { levelLines } from '../view/levels.ts';
import { paint } from '../view/text.ts';

interface Options extends ConfigOptions, OutputOptions {
  readonly report?: string;
  readonly json?: boolean;
  readonly detach?: boolean;
  readonly dryRun?: boolean;
  readonly beginAgain?: boolean;
  /** Port of a NATS server to start. */
  readonly cluster?: number | true;
  /** Set in the process that `--detach` starts. */
  readonly detached?: boolean;
}

const NATS_PORT = 4_222;

const HELP = `
Without --model and --data the bundled model models/ladder learns to add up the digits in a picture; there are 1 to 12 of them, the levels. A run that has begun
continues with its built-in data.

Runs in the foreground. Ctrl-C finishes the step in hand, saves, and says where the model is; the same command continues from there.
A second Ctrl-C ends the process at once: what was durable is still there, and the next start continues from it.

With --dry-run everything is opened and checked, the model too, and nothing is begun or written; what would keep a start from working ends it with the same
words and exit code.

With --detach it runs in the background instead: the command comes back when the daemon is up, or says why it is not and exits with its code.

On a terminal the view is live; elsewhere (or with CI or TERM=dumb set) there is a line for each step. NO_COLOR is honoured.

Examples:
  quorum start
  quorum start --data figures --run runs/figures
  quorum start --data ladder --run runs/ladder
  quorum start --model ./my-model --data ./questions.jsonl --run runs/mine
  quorum start --steps 60 --seed 1 --report report.json --set learner.learningRate=3e-5
  quorum start --stop-when 'accuracy >= 0.9 or version >= 500'
  quorum start --model ./my-model --data ./questions.jsonl --dry-run
  quorum start --json | jq .version
  quorum start --detach && quorum status`;

/** @param own hooks of a caller that replaces the local policy. */
export function startCommand(own: Pick<DaemonHooks, 'createPolicy'> = {}): Command {
  const report = new Option(
    '--report <file>',
    'write a JSON report at the end; an earlier report of the same run is replaced',
  );
  return withOutput(withConfigOptions(new Command('start')), report)
    .description('Run the daemon, in the foreground if not told otherwise: it learns until told to stop.')
    .option(
      '-m, --model <folder>',
      'Hugging Face folder of the base model; default: the bundled one for the data (model)',
    )
    .option(
      '-d, --data <path>',
      'file, folder or pattern, or `figures` or `ladder`, a built-in data set; may be repeated; default without --model: the digits of the ladder (data)',
      collect,
    )
    .option('--split <name>', 'split to learn from, where files or rows are of several (data.split)')
    .option('-r, --run <folder>', 'folder of this run: database, log, checkpoints (runFolder)')
    .option(
      '--steps <count>',
      'stop after this many learner steps, over all starts of the run (loop.steps)',
      parseCount,
    )
    .option(
      '--stop-when <condition>',
      'stop when this holds, such as "accuracy >= 0.9 and version > 50" (loop.stopWhen)',
    )
    .option('--seed <seed>', 'seeds everything that is random (seed)', parseSeed)
    .option(
      '--begin-again',
      'where the database of the run is gone or damaged: begin a new chain of versions with the newest weights as its base',
    )
    .option('--dry-run', 'open and check everything, say what a start would find, and begin nothing')
    .option('--json', 'print statuses and the report as lines of JSON')
    .option(
      '--cluster [port]',
      'start a nats-server on this machine, through which `quorum worker` joins; default port: 4222',
      parsePort,
    )
    .option('--detach', 'run in the background, and come back when the daemon is up')
    .addOption(new Option('--detached').hideHelp())
    .addHelpText('after', HELP)
    .action((options: Options) => start(options, own));
}

async function start(options: Options, own: DaemonHooks): Promise<void> {
  const loaded = await resolveConfig(options, process.cwd(), true);
  const { folder } = loaded;
  await claimReport(options, loaded);
  if (options.dryRun === true) return tryStart(options, loaded, own);
  if (options.detach === true) return detach(loaded.config, options.json === true);
  await using nats = await natsFor(options);
  const config = nats ? { ...loaded.config, cluster: { ...loaded.config.cluster, nats: nats.url } } : loaded.config;
  const manager = takeServiceManager(process.env);
  const isDetached = options.detached === true;
  const hasTerminal = !isDetached && [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  const { unread, forget } = heedHangUp(hasTerminal);
  try {
    const hooks = {
      ...own,
      handleSignals: true,
      pluginFolder: folder,
      beginAgain: options.beginAgain === true,
      ...(options.report === undefined ? {} : { reportFile: options.report }),
    };
    const shown = { preset: presetWords(loaded.preset, config), json: options.json === true, manager, unread };
    const report = await (isDetached ? runDetached(config, hooks, shown) : runInForeground(config, hooks, shown));
    if (report.end === 'failed') process.exitCode = EXIT.failed;
  } finally {
    forget();
  }
}

async function natsFor({ cluster }: Options): Promise<NatsServer | undefined> {
  if (cluster === undefined) return undefined;
  const { startNatsServer } = await import('../../cluster/nats-server.ts');
  const port = cluster === true ? NATS_PORT : cluster;
  const nats = await startNatsServer(cacheFolder('nats', String(port)), port);
  console.error(`Workers join with \`quorum worker --join ${nats.url}\``);
  return nats;
}

async function tryStart(
  { report, beginAgain = false, json }: Options,
  { config, folder, preset }: LoadedConfig,
  own: DaemonHooks,
): Promise<void> {
  const hooks = { ...own, pluginFolder: folder, beginAgain, ...(report === undefined ? {} : { reportFile: report }) };
  const [{ dryRun }, { dryRunWords }] = [await import('../../daemon/dry-run.ts'), await import('../dry-run.ts')];
  const found = await interruptible(
    () => console.error('Stopping; nothing was begun.'),
    (signal) => dryRun(config, { ...hooks, signal }),
  );
  const { name, why } = preset;
  if (json === true) console.log(JSON.stringify({ ...found, preset: { name, why } }, null, 2));
  else console.log([...dryRunWords(found), '', presetWords(preset, config)].join('\n'));
}

/** A later start of the same run may replace the report of an earlier one. */
async function claimReport({ report, force = false }: Options, loaded: LoadedConfig): Promise<void> {
  if (report === undefined) return;
  const { runFolder } = loaded.config;
  const { isReportOf } = await import('../../daemon/report.ts');
  const isOurs = (file: string): boolean => isReportOf(file, runFolder);
  await claimOutput({ option: '--report', path: report, force, inputs: [...inputsOf(loaded), runFolder], isOurs });
}

interface Shown {
  /** A sentence on the preset whose defaults apply. */
  readonly preset: string;
  readonly json: boolean;
  readonly manager: ServiceManager | undefined;
  readonly unread: Promise<void>;
}

async function runInForeground(
  config: Config,
  hooks: DaemonHooks,
  { preset, json, manager, unread }: Shown,
): Promise<Report> {
  const kind = chooseDisplay(json, process.stdout);
  if (kind === 'live') console.log(pc.dim(`Opening ${config.model} ...\n${preset}`));
  const daemon = await open(config, hooks);
  daemon.note(preset);
  void unread.then(() =>
    daemon.note('what reads the output of this process is gone (EPIPE); the run does not end for that'),
  );
  if (daemon.dashboard?.links) showLinks(daemon.dashboard.links);
  const told =
    manager && keepTold(manager, daemon, { failed: console.error, longestItemSeconds: longestItemSeconds(config) });
  const display = createDisplay(kind, process.stdout);
  const shown = daemon.status$().subscribe((status) => display.show(status));
  const report = await daemon.closed();
  display.show(daemon.status());
  shown.unsubscribe();
  display.end();
  if (kind === 'json') console.log(JSON.stringify({ type: 'report', ...report }));
  else console.log(closingWords(report).join('\n'));
  await told;
  return report;
}

/** Prints only how the run ended; the log has the rest. */
async function runDetached(config: Config, hooks: DaemonHooks, { preset }: Pick<Shown, 'preset'>): Promise<Report> {
  const { announceUp } = await import('../detach.ts');
  const daemon = await open(config, hooks);
  daemon.note(preset);
  announceUp(daemon, config.log.maxMegabytes);
  const report = await daemon.closed();
  console.log(closingWords(report).join('\n'));
  return report;
}

function open(config: Config, hooks: DaemonHooks): Promise<DaemonHandle> {
  return interruptible(
    () => console.error('Stopping before the model is loaded; nothing was begun. The same command starts again.'),
    async (signal) => (await import('../../daemon/daemon.ts')).startDaemon(config, { ...hooks, signal }),
  );
}

async function detach({ runFolder, timeouts }: Config, json: boolean): Promise<void> {
  const { inTheBackground, startInBackground } = await import('../detach.ts');
  const up = await startInBackground({ runFolder, openSeconds: timeouts.openSeconds });
  if (!up) return;
  const { pid, dashboard } = up;
  if (json)
    console.log(JSON.stringify({ type: 'up', pid, runFolder: up.runFolder, dashboard: dashboard?.url ?? null }));
  else console.log(inTheBackground(up).join('\n'));
  if (dashboard?.links) showLinks(dashboard.links);
}

/** Prints the addresses once, and only on a terminal, because they grant viewing or control. */
function showLinks({ view, control }: { readonly view: string; readonly control: string }): void {
  const lines = process.stderr.isTTY
    ? [
        'Open the dashboard once by one of these; the browser is let in from then on.',
        `  to look      ${view}`,
        `  to command   ${control}`,
      ]
    : ['The dashboard asks for a token: yours, or the one in dashboard-tokens.json of the run folder.'];
  process.stderr.write(`${lines.join('\n')}\n`);
}

/** Columns of a line of the closing words. */
const LINE = 80;

/** Tells the user after a stop how good the model is, where it is, and how to continue. */
export function closingWords({
  steps,
  saved,
  wallSeconds,
  history,
  levels,
  labelFree,
  folder,
  bestFolder,
  end,
  reason,
  error,
  lost,
}: Report): string[] {
  const [first, last] = [history[0], history.at(-1)];
  const gain =
    first && last && first !== last
      ? ` (${points(last.greedy - first.greedy)} points from ${percent(first.greedy)})`
      : '';
  return [
    '',
    ...(end === 'failed' ? [pc.red(`Failed: ${error ?? 'a part failed past its restart budget'}`)] : []),
    ...(reason === undefined ? [] : [`Ended by itself: ${reason}`]),
    `${pc.bold(`Version ${steps}`)} after ${duration(wallSeconds)}${last ? `: accuracy ${percent(last.greedy)}${gain}` : ''}`,
    ...levelLines(levels, (name) => [name.padEnd(7)], { width: LINE, room: 1 }).map((line) =>
      paint([['  '], ...line], LINE, pc),
    ),
    ...(labelFree?.now ? [`Without labels: ${labelFreeWords(labelFree.now)}`] : []),
    ...(lost ? lostWords(steps, saved, folder) : modelWords(steps, saved, folder)),
    ...(bestFolder === null ? [] : [`  best   ${bestFolder}`]),
    ...(lost ? [] : [`Start again${end === 'condition' ? ' with another --stop-when' : ''} to continue from here.`]),
  ];
}

/** Omits how to continue, because the error says it. */
function lostWords(steps: number, saved: number | null, folder: string): string[] {
  return saved === steps ? [`  model  ${folder}`] : ['  model  saved nowhere'];
}

/** A version without a checkpoint is durable too: a restart learns it again from the batches in the database. */
function modelWords(steps: number, saved: number | null, folder: string): string[] {
  const rest = 'the next start learns what follows again from the stored batches';
  if (saved === steps) return [`  model  ${folder}`];
  return saved === null
    ? [`  model  no checkpoint yet: ${rest}`]
    : [`  model  ${folder} has version ${saved}: ${rest}`];
}
