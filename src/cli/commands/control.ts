/** `status` and the commands of a running daemon, which is found through its run folder. */
import { Command } from 'commander';
import pc from 'picocolors';
import { allowedWords, checkLive, liveBounds } from '../../config/live.ts';
import { COMMANDS, FULL_EVALUATION, type LoopCommand } from '../../protocol/commands.ts';
import type { ControlReply } from '../../protocol/control.ts';
import type { Status } from '../../protocol/status.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { askDaemon } from '../control-client.ts';
import { type Assignment, parseAssignment, parseIndex, parsePositive } from '../options.ts';
import { renderFrame } from '../view/frame.ts';
import { closingWords } from './start.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly timeout: number;
}

/** After this time a command reports on stderr what it waits for. */
const NOTICE_MILLISECONDS = 500;
const ANSWER_SECONDS = 10;
/** A status printed once is not cut to the terminal's height. */
const ALL_ROWS = 1_000;

function asking(
  name: string,
  description: string,
  seconds: number,
  example = `quorum ${name} --run runs/default`,
): Command {
  return withConfigOptions(new Command(name))
    .description(description)
    .option('-r, --run <folder>', 'run folder of the daemon (runFolder; default: runs/default)')
    .option('--timeout <seconds>', 'how long to wait for the answer', parsePositive, seconds)
    .option('--json', name === 'stop' ? 'print the report as JSON' : 'print the status as JSON')
    .addHelpText('after', `\nExits with 3 when no daemon runs on the folder.\n\nExample:\n  ${example}`);
}

export function statusCommand(): Command {
  const description = 'Show what a running daemon is doing, and what each actor waits for.';
  return asking('status', description, ANSWER_SECONDS).action((options: Options) =>
    control({ type: 'status' }, options),
  );
}

/** In the order of `quorum --help`. */
export function loopCommands(): Command[] {
  return [
    pauseCommand(),
    resumeCommand(),
    evaluateCommand(),
    checkpointCommand(),
    setCommand(),
    rollbackCommand(),
    stopCommand(),
  ];
}

function pauseCommand(): Command {
  return asking('pause', COMMANDS.pause.help, 600).action((options: Options) => control({ type: 'pause' }, options));
}

function resumeCommand(): Command {
  return asking('resume', COMMANDS.resume.help, 60).action((options: Options) => control({ type: 'resume' }, options));
}

function evaluateCommand(): Command {
  return asking('evaluate', COMMANDS.evaluate.help, 3600, 'quorum evaluate --full')
    .option('--full', FULL_EVALUATION)
    .action((options: Options & { readonly full?: true }) =>
      control({ type: 'evaluate', full: options.full === true }, options),
    );
}

function checkpointCommand(): Command {
  return asking('checkpoint', COMMANDS.checkpoint.help, 600).action((options: Options) =>
    control({ type: 'checkpoint' }, options),
  );
}

function setCommand(): Command {
  return asking('set', COMMANDS.set.help, 60, 'quorum set sampling.temperature=0.8')
    .argument('<path=value>', 'a live setting and its new value', parseAssignment)
    .addHelpText('after', liveHelp)
    .action(({ path, text }: Assignment, options: Options) => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      checkLive(path, value, text === '' ? 'empty' : text);
      return control({ type: 'set', path, value }, options);
    });
}

function liveHelp(): string {
  const rows = liveBounds().map((bounds) => `  ${bounds.path.padEnd(22)}${allowedWords(bounds)}`);
  return ['', 'Live settings:', ...rows].join('\n');
}

function rollbackCommand(): Command {
  return asking('rollback', COMMANDS.rollback.help, 3600, 'quorum rollback 25')
    .argument('<version>', 'a version whose weights are on disk', parseIndex)
    .action((version: number, options: Options) => control({ type: 'rollback', version }, options));
}

function stopCommand(): Command {
  return asking('stop', COMMANDS.stop.help, 600).action((options: Options) => control({ type: 'stop' }, options));
}

type Request = { readonly type: 'status' } | LoopCommand;

async function control(request: Request, options: Options): Promise<void> {
  const { config } = await resolveConfig(options);
  const reply = await noticing(config.runFolder, request, askDaemon(config.runFolder, request, options.timeout));
  if (reply.type === 'plugins') throw new Error(`the daemon answered plugins to ${request.type}`);
  console.log(options.json ? JSON.stringify(contents(reply), null, 2) : inWords(request, reply).join('\n'));
}

/** Reports on stderr what a slow command waits for. */
async function noticing<T>(runFolder: string, { type }: Request, asked: Promise<T>): Promise<T> {
  const notice = async () => {
    const reply = await askDaemon(runFolder, { type: 'status' }, ANSWER_SECONDS);
    const command = reply.type === 'status' ? reply.status.commands?.findLast((each) => each.type === type) : undefined;
    if (command) console.error(`${type === 'pause' ? 'pausing' : command.text}: ${command.behind ?? 'in hand'} …`);
  };
  const timer =
    type === 'status' ? undefined : setTimeout(() => void notice().catch(() => undefined), NOTICE_MILLISECONDS);
  return asked.finally(() => clearTimeout(timer));
}

type Answer = Exclude<ControlReply, { type: 'error' } | { type: 'plugins' }>;

function contents(reply: Answer): unknown {
  if (reply.type === 'stopped') return reply.report;
  return reply.outcome === undefined ? reply.status : { ...reply.status, outcome: reply.outcome };
}

/** Commands that change what the loop does now print its status; the others print their outcome. */
function inWords({ type }: Request, reply: Answer): string[] {
  if (reply.type === 'stopped') return closingWords(reply.report);
  const shows = type === 'status' || type === 'pause' || type === 'resume';
  return shows || reply.outcome === undefined ? frame(reply.status) : [reply.outcome];
}

function frame(status: Status): string[] {
  const width = process.stdout.isTTY ? process.stdout.columns : 120;
  return renderFrame(status, { width, rows: ALL_ROWS, colors: pc, cwd: process.cwd() });
}
