/** `plugin new`: a package to begin a plug-in with. */
import { Command, Option } from 'commander';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from '../../make-folder.ts';
import { InputError } from '../../protocol/errors.ts';
import type { PortName } from '../../protocol/ports.ts';
import { packagePath } from '../paths.ts';
import { pluginPackage, type ScaffoldOptions } from '../scaffold/package.ts';
import { TEMPLATES } from '../scaffold/ports.ts';

interface Options {
  readonly port: PortName;
  readonly dir?: string;
}

/** As packages and plug-ins are named. */
const NAME = /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/;
const LONGEST_NAME = 64;

const HELP = `
Examples:
  quorum plugin new my-reward --port reward
  quorum plugin new @me/pictures --port ask --dir plugins/pictures`;

export function pluginCommand(): Command {
  const fresh = new Command('new')
    .argument('<name>', 'name of the package, and of the plug-in')
    .description('Write a new plug-in as a package of its own: typed, with a test.')
    .addOption(new Option('--port <port>', 'what it is to do').choices(Object.keys(TEMPLATES)).makeOptionMandatory())
    .option('-d, --dir <folder>', 'folder to write it to; default: one of its name')
    .addHelpText('after', HELP)
    .action(writePackage);
  return new Command('plugin').description('Begin a plug-in of your own.').addHelpText('after', HELP).addCommand(fresh);
}

function writePackage(name: string, { port, dir }: Options): void {
  if (!NAME.test(name) || name.length > LONGEST_NAME)
    throw new InputError(`"${name}" is no name for a plug-in: expected at most ${LONGEST_NAME} of a-z, 0-9 and . _ -, as a package is named`);
  const folder = resolve(dir ?? name.split('/').at(-1)!);
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new InputError(`${folder} is there already: give another --dir, or delete it`);
  const own = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as ScaffoldOptions['own'];
  const files = pluginPackage({ name, port, folder, own });
  for (const [path, text] of Object.entries(files)) {
    makeFolder(dirname(join(folder, path)));
    writeFileSync(join(folder, path), text);
  }
  console.log(`Wrote ${folder}: begin with src/index.ts; npm install && npm test there.`);
}
