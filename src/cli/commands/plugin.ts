/** `plugin new` writes a package to start a plug-in from. */
import { Command, Option } from 'commander';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../lib/make-folder.ts';
import { InputError } from '../../protocol/errors.ts';
import { PORT_NAMES, PORT_TABLE } from '../../plugin/port-table.ts';
import type { PortName } from '../../protocol/ports.ts';
import { claimOutput, withOutput, type OutputOptions } from '../output.ts';
import { packagePath } from '../../lib/package-path.ts';
import { pluginPackage, type ScaffoldOptions } from '../scaffold/package.ts';

interface Options extends OutputOptions {
  readonly port: PortName;
  readonly dir?: string;
}

/** A valid name of a package and plug-in. */
const NAME = /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;
const LONGEST_NAME = 64;

const HELP = `
Ports:
${PORT_NAMES.map((port) => `  ${port.padEnd(12)}${PORT_TABLE[port].does}`).join('\n')}

Examples:
  quorum plugin new my-reward --port reward
  quorum plugin new @me/pictures --port ask --dir plugins/pictures`;

export function pluginCommand(): Command {
  const fresh = withOutput(
    new Command('new'),
    new Option('-d, --dir <folder>', 'folder to write it to; default: one of its name'),
  )
    .argument('<name>', 'name of the package, and of the plug-in')
    .description('Write a new plug-in as a package of its own: typed, with a test.')
    .addOption(new Option('--port <port>', 'what it is to do').choices(PORT_NAMES).makeOptionMandatory())
    .addHelpText('after', HELP)
    .action(writePackage);
  return new Command('plugin').description('Begin a plug-in of your own.').addHelpText('after', HELP).addCommand(fresh);
}

async function writePackage(name: string, { port, dir, force = false }: Options): Promise<void> {
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw new InputError(
      `"${name}" is no name for a plug-in: expected at most ${LONGEST_NAME} of a-z, 0-9 and . _ -, as a package is named`,
    );
  const folder = await claimOutput({ option: '--dir', path: dir ?? name.split('/').at(-1)!, force });
  const own = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as ScaffoldOptions['own'];
  const files = pluginPackage({ name, port, folder, own });
  for (const [path, text] of Object.entries(files)) {
    makeFolder(dirname(join(folder, path)));
    writeFileSync(join(folder, path), text);
  }
  console.log(`Wrote ${folder}: begin with src/index.ts; npm install && npm test there.`);
}
