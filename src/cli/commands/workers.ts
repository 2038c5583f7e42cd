/** `workers` lists the workers of a running daemon, and drains one. */
import { Command } from 'commander';
import { doneWords, type WorkerCommand } from '../../protocol/commands.ts';
import { InputError } from '../../protocol/errors.ts';
import type { Status } from '../../protocol/status.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { askDaemon } from '../control-client.ts';
import { parsePositive } from '../options.ts';
import { workerLines } from '../view/workers.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly timeout: number;
}

const HELP = `
Exits with 3 when no daemon runs on the folder.

Examples:
  quorum workers --run runs/default
  quorum workers drain gpu-host`;

export function workersCommand(): Command {
  const drain = new Command('drain')
    .argument('<name>', 'as `quorum workers` lists it')
    .description('Let a worker finish its jobs and end.')
    .addHelpText('after', '\nExample:\n  quorum workers drain gpu-host')
    .action((worker: string, _: unknown, self: Command) =>
      show(self.optsWithGlobals<Options>(), { type: 'drain', worker }),
    );
  return withConfigOptions(new Command('workers'))
    .description(
      'Show the workers of a running daemon: where they are, what they do, and when the daemon last heard from them.',
    )
    .option('-r, --run <folder>', 'run folder of the daemon (runFolder; default: runs/default)')
    .option('--timeout <seconds>', 'how long to wait for the answer', parsePositive, 10)
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', HELP)
    .action((options: Options) => show(options))
    .addCommand(drain);
}

async function show(options: Options, command?: WorkerCommand): Promise<void> {
  const { runFolder } = (await resolveConfig(options)).config;
  const reply = await askDaemon(runFolder, command ?? { type: 'status' }, options.timeout);
  if (reply.type !== 'status') throw new Error(`the daemon answered ${reply.type} to ${command?.type ?? 'status'}`);
  const { workers }: Status = reply.status;
  if (!workers) throw new InputError('no worker can join this run: set `cluster.nats` and start the daemon again');
  if (options.json) return console.log(JSON.stringify(workers, null, 2));
  console.log([...(command ? [doneWords(command)] : []), ...workerLines(workers, reply.status)].join('\n'));
}
