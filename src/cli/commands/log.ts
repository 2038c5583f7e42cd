import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { InputError } from '../../protocol/errors.ts';
import { LEVELS, LogTail, type LogLine } from '../../store/read-log.ts';
import { refuseOddEntries } from '../../store/run-entries.ts';
import { runPaths } from '../../store/run-folder.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { onInterrupt } from '../interrupt.ts';
import { parseCount } from '../options.ts';
import { clock, day } from '../view/format.ts';
import { fitText } from '../view/text.ts';

interface Options extends ConfigOptions {
  readonly lines: number;
  readonly follow?: boolean;
  readonly level: keyof typeof LEVELS;
  readonly json?: boolean;
}

export function logCommand(): Command {
  return withConfigOptions(new Command('log'))
    .description("Print the last lines of a run's log, of a run that has ended too.")
    .option('-r, --run <folder>', 'run folder (runFolder; default: runs/default)')
    .option('-n, --lines <count>', 'how many', parseCount, 20)
    .option('-f, --follow', 'print lines as they come, until Ctrl-C')
    .addOption(
      new Option('--level <level>', 'leave out less serious lines').choices(Object.keys(LEVELS)).default('debug'),
    )
    .option('--json', 'print the lines as they are in the file, which have every field')
    .addHelpText(
      'after',
      '\nExamples:\n  quorum log --run runs/default -n 50\n  quorum log --follow\n  quorum log --level warn --json',
    )
    .action(log);
}

async function log(options: Options): Promise<void> {
  const { config } = await resolveConfig(options);
  const { path, logFolder } = runPaths(config.runFolder);
  refuseOddEntries(path, ['log', 'log/quorum.log']);
  if (!existsSync(`${logFolder}/quorum.log`)) throw new InputError(`${path} has no log: name a run folder with --run`);
  using tail = new LogTail(logFolder, LEVELS[options.level]);
  const print = (line: LogLine): void => console.log(options.json === true ? line.text : inWords(line));
  tail.last(options.lines).forEach(print);
  if (options.follow !== true) return;
  const unread = new AbortController();
  process.stdout.once('error', () => unread.abort()); // `quorum log --follow | head` has enough
  const interrupted = onInterrupt(() => {});
  for await (const line of tail.follow(AbortSignal.any([interrupted, unread.signal]))) print(line);
}

/** `2026-11-27 10:40:21  paused, version 3`; of an error the first line of its stack. */
function inWords({ text, level = LEVELS.info, time, version, msg, error }: LogLine): string {
  const at = time === undefined ? '' : `${day(Date.parse(time))} ${clock(Date.parse(time))}  `;
  const what = [
    msg ?? text,
    version === undefined ? '' : `, version ${version}`,
    error === undefined ? '' : `: ${error.split('\n')[0]}`,
  ].join('');
  const words = fitText(what, Infinity); // an error's words must not move the cursor
  if (level >= LEVELS.error) return `${pc.dim(at)}${pc.red(`error: ${words}`)}`;
  return `${pc.dim(at)}${level >= LEVELS.warn ? pc.yellow(`warning: ${words}`) : words}`;
}
