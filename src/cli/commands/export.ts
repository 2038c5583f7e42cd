import { Command, Option } from 'commander';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { parseIndex } from '../options.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';

interface Options extends ConfigOptions, OutputOptions {
  readonly out: string;
  readonly version?: number | 'best';
  readonly dtype?: 'F32' | 'F16' | 'BF16';
  readonly merged?: boolean;
}

export function exportCommand(): Command {
  return withOutput(
    withConfigOptions(new Command('export')),
    new Option('-o, --out <folder>', 'folder to write').makeOptionMandatory(),
  )
    .description('Write a version that a run has saved as a Hugging Face folder, which transformers and Quorum load.')
    .option('-r, --run <folder>', 'run folder (runFolder; default: runs/default)')
    .option(
      '--version <n>',
      'a version number, or `best`: the most accurate, without labels the newest that the guardian does not doubt; default: the newest one saved',
      parseVersion,
    )
    .addOption(
      new Option('--dtype <type>', 'numbers in the weights; default: as the base has them').choices([
        'F32',
        'F16',
        'BF16',
      ]),
    )
    .option(
      '--merged',
      'where the run trains an adapter: write the whole model with its update worked in, not the adapter alone',
    )
    .addHelpText(
      'after',
      '\nWorks while a daemon runs on the folder.\n\nExamples:\n  quorum export --run runs/default --out ./improved\n  quorum export --version best --dtype F32 --out ./improved',
    )
    .action(exportVersion);
}

function parseVersion(text: string): number | 'best' {
  return text === 'best' ? text : parseIndex(text);
}

async function exportVersion(options: Options): Promise<void> {
  const { exportCheckpoint } = await import('../export-checkpoint.ts');
  const { config } = await resolveConfig(options);
  const out = await claimOutput({ ...options, option: '--out', path: options.out, inputs: [config.runFolder] });
  const { version, why } = await exportCheckpoint({
    runFolder: config.runFolder,
    out,
    ...(options.dtype === undefined ? {} : { dtype: options.dtype }),
    merged: options.merged === true,
    ...(options.version === undefined ? {} : { version: options.version }),
  });
  console.log(`Version ${version}: ${out}${why === undefined ? '' : ` (${why})`}`);
}
