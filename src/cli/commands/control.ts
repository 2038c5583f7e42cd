/** `status`, `pause`, `resume`, `stop`: find the daemon through its run folder and ask it. */
import { Command } from 'commander';
import pc from 'picocolors';
import type { ControlReply, ControlRequest } from '../../protocol/control.ts';
import type { Status } from '../../protocol/status.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { askDaemon } from '../control-client.ts';
import { parsePositive } from '../options.ts';
import { renderFrame } from '../view/frame.ts';
import { closingWords } from './start.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly timeout: number;
}

/** A pause that takes longer says on stderr what it waits for. */
const NOTICE_MILLISECONDS = 500;
/** A status as it is printed once is not cut to the terminal's height. */
const ALL_ROWS = 1_000;

function controlCommand(type: 'status' | 'pause' | 'resume' | 'stop', description: string, timeoutSeconds: number): Command {
  return withConfigOptions(new Command(type))
    .description(description)
    .option('-r, --run <folder>', 'run folder of the daemon (runFolder; default: runs/default)')
    .option('--timeout <seconds>', 'how long to wait for the answer', parsePositive, timeoutSeconds)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExits with 3 when no daemon runs on the folder.\n\nExample:\n  quorum ${type} --run runs/default`)
    .action((options: Options) => control({ type }, options));
}

export function statusCommand(): Command {
  return controlCommand('status', 'Show what a running daemon is doing, and what each actor waits for.', 10);
}

export function pauseCommand(): Command {
  return controlCommand('pause', 'Let a running daemon finish the step in hand, then hold. Nothing is lost; `resume` goes on.', 600);
}

export function resumeCommand(): Command {
  return controlCommand('resume', 'Let a paused daemon go on.', 60);
}

export function stopCommand(): Command {
  return controlCommand('stop', 'Let a running daemon finish the step in hand, save and end.', 600);
}

async function control(request: ControlRequest, options: Options): Promise<void> {
  const { config } = await resolveConfig(options);
  const notice = request.type === 'pause' ? setTimeout(() => console.error('pausing: the step in hand …'), NOTICE_MILLISECONDS) : undefined;
  const reply = (await askDaemon(config.runFolder, request, options.timeout).finally(() => clearTimeout(notice))) as Answer;
  console.log(options.json ? JSON.stringify(contents(reply), null, 2) : inWords(reply).join('\n'));
}

type Answer = Exclude<ControlReply, { type: 'error' } | { type: 'plugins' }>;

function contents(reply: Answer): unknown {
  return reply.type === 'stopped' ? reply.report : reply.status;
}

function inWords(reply: Answer): string[] {
  return reply.type === 'stopped' ? closingWords(reply.report) : frame(reply.status);
}

function frame(status: Status): string[] {
  const width = process.stdout.isTTY ? process.stdout.columns : 120;
  return renderFrame(status, { width, rows: ALL_ROWS, colors: pc, cwd: process.cwd() });
}
