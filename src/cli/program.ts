/** All commands under one name. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { askCommand } from './commands/ask.ts';
import { loopCommands, statusCommand } from './commands/control.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evalCommand } from './commands/eval.ts';
import { experimentCommand } from './commands/experiment.ts';
import { exportCommand } from './commands/export.ts';
import { figuresCommand } from './commands/figures.ts';
import { historyCommand } from './commands/history.ts';
import { logCommand } from './commands/log.ts';
import { modelCommand } from './commands/model.ts';
import { pluginCommand } from './commands/plugin.ts';
import { pluginsCommand } from './commands/plugins.ts';
import { pretrainCommand } from './commands/pretrain.ts';
import { setupCommand } from './commands/setup.ts';
import { startCommand } from './commands/start.ts';
import { workerCommand } from './commands/worker.ts';
import { workersCommand } from './commands/workers.ts';
import { synthesizeCommand } from './commands/synthesize.ts';
import { packagePath } from '../lib/package-path.ts';

const FOOT = `
Exit codes:
  0  done        1  failed        2  bad input: an argument, a setting, a file        3  no daemon on the run folder

Examples:
  quorum start                                a bundled model learns on built-in data until told to stop
  quorum start --steps 100 --report out.json  stop after 100 learner steps and write a report
  quorum status                               what the daemon on runs/default is doing
  quorum set sampling.temperature=0.8         change a setting while it runs
  quorum log --follow                         what its log says, as it comes
  quorum history                              its metrics by version
  quorum eval --model runs/default/model      accuracy of what it learnt, on held-out questions`;

/** @param start a replacement of `start`, for tests with another policy. */
export function createProgram(start = startCommand()): Command {
  const program = new Command('quorum')
    .description('A vision-language model that improves itself, continually, with no labels.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpText('after', FOOT)
    .configureHelp({ sortSubcommands: false })
    .showSuggestionAfterError()
    // Otherwise commander takes `export --version 3` for the program's own option.
    .enablePositionalOptions();
  const commands = [
    start,
    statusCommand(),
    ...loopCommands(),
    logCommand(),
    historyCommand(),
    pluginsCommand(),
    pluginCommand(),
    workerCommand(),
    workersCommand(),
    evalCommand(),
    askCommand(),
    synthesizeCommand(),
    exportCommand(),
    figuresCommand(),
    experimentCommand(),
    pretrainCommand(),
    modelCommand(),
    doctorCommand(),
    setupCommand(),
  ];
  for (const command of commands) {
    command.addOption(new Option('--verbose', 'print the stack of an error')).helpOption('-h, --help', 'print help');
    program.addCommand(command);
  }
  return exitless(program);
}

/** Makes commander throw instead of ending the process, so that `main` sets the exit code. */
function exitless(command: Command): Command {
  command.exitOverride();
  for (const each of command.commands) exitless(each);
  return command;
}

function version(): string {
  return (JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string }).version;
}
