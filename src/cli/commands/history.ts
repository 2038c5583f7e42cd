import { Command } from 'commander';
import { InputError } from '../../protocol/errors.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { parseCount } from '../options.ts';

interface Options extends ConfigOptions {
  readonly last?: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** Rows of the table by default. */
const ROWS = 30;

const HELP = `
Reads the database, whether or not a daemon runs. A version that was evaluated has its accuracy. docs/operations.md says what each column is.

Examples:
  quorum history --run runs/default
  quorum history --csv > history.csv
  quorum history --json --last 1 | jq .[0].voteShare`;

export function historyCommand(): Command {
  return withConfigOptions(new Command('history'))
    .description('Print the metrics of a run by version.')
    .option('-r, --run <folder>', 'run folder (runFolder; default: runs/default)')
    .option(
      '-n, --last <count>',
      `only the newest versions; default: ${ROWS} in the table, all as JSON and CSV`,
      parseCount,
    )
    .option('--json', 'print JSON, with every metric')
    .option('--csv', 'print CSV, with every metric')
    .addHelpText('after', HELP)
    .action(history);
}

async function history(options: Options): Promise<void> {
  const { json = false, csv = false } = options;
  if (json && csv) throw new InputError('--json and --csv: name one of them');
  const { config } = await resolveConfig(options);
  const [{ readHistory }, words] = [await import('../../store/read-history.ts'), await import('../history.ts')];
  const all = readHistory(config.runFolder);
  const rows = all.slice(-(options.last ?? (json || csv ? Infinity : ROWS)));
  const left = all.length - rows.length;
  console.log(
    json ? words.historyJson(rows) : (csv ? words.historyCsv(rows) : words.historyTable(rows, left)).join('\n'),
  );
}
