/** `plugins` lists the loaded plug-ins, and changes them while a daemon runs. */
import { Command } from 'commander';
import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { doneWords, type PluginCommand } from '../../protocol/commands.ts';
import type { PluginRow } from '../../protocol/plugins.ts';
import { type ConfigOptions, resolveConfig, withConfigOptions } from '../config-options.ts';
import { askDaemon } from '../control-client.ts';
import { parseJson, parsePositive } from '../options.ts';
import { type ListedPlugin, pluginLines } from '../view/plugins.ts';

interface Options extends ConfigOptions {
  readonly json?: boolean;
  readonly timeout: number;
}

interface AddOptions extends Options {
  readonly options?: unknown;
  readonly thread?: true;
  readonly labels?: true;
}

const HELP = `
Without a daemon on the run folder it loads what the configuration lists, and shows that.
add, remove, restart and reload need a running daemon; without one they exit with 3.

Examples:
  quorum plugins --run runs/default
  quorum plugins add ./my-reward.ts --options '{"weight": 0.5}'
  quorum plugins restart my-reward`;

export function pluginsCommand(): Command {
  const command = withConfigOptions(new Command('plugins'))
    .description(
      'Show what is plugged in, each port with the state of its actor; add, remove, restart or reload one while the daemon runs.',
    )
    .option('-r, --run <folder>', 'run folder of the daemon (runFolder; default: runs/default)')
    .option('--timeout <seconds>', 'how long to wait for the answer', parsePositive, 120)
    .option('--json', 'print JSON')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', HELP)
    .action(list);
  const add = new Command('add')
    .argument('<use>', 'package, or path of a file')
    .description('Load a plug-in into the running daemon. It stays until the daemon stops.')
    .option('--options <json>', 'its options', parseJson)
    .option('--thread', 'in a worker thread of its own')
    .option('--labels', 'it may read labels, as a supervised reward must')
    .addHelpText('after', '\nExample:\n  quorum plugins add quorum/plugins/soft-vote')
    .action((use: string, _: unknown, self: Command) => addPlugin(use, self.optsWithGlobals<AddOptions>()));
  command.addCommand(add);
  for (const { name, description } of NAMED) {
    const named = new Command(name)
      .argument('<name>', 'as `quorum plugins` lists it')
      .description(description)
      .addHelpText('after', `\nExample:\n  quorum plugins ${name} my-reward`)
      .action((plugin: string, _: unknown, self: Command) =>
        change({ type: `plugin.${name}`, name: plugin }, self.optsWithGlobals<Options>()),
      );
    command.addCommand(named);
  }
  return command;
}

const NAMED = [
  { name: 'remove', description: 'Take a plug-in out. What it has in hand it may finish, or ours does it.' },
  { name: 'restart', description: 'Start its actors anew, with a fresh restart budget: also those that were parked.' },
  { name: 'reload', description: 'Re-import its module. If that fails, the old plug-in keeps running.' },
] as const;

async function list(options: Options): Promise<void> {
  const { config, folder } = await resolveConfig(options);
  const { findDaemon } = await import('../../store/run-folder.ts');
  const running = findDaemon(config.runFolder) !== undefined;
  const plugins = running ? await askForPlugins(config, options) : await loadListed(config, folder);
  if (options.json) return console.log(JSON.stringify({ running, plugins }, null, 2));
  const head = running ? [] : [`No daemon runs on ${config.runFolder}: these are the plug-ins of the configuration.`];
  console.log([...head, ...pluginLines(plugins)].join('\n'));
}

async function askForPlugins({ runFolder }: Config, { timeout }: Options): Promise<readonly PluginRow[]> {
  const reply = await askDaemon(runFolder, { type: 'plugins' }, timeout);
  if (reply.type !== 'plugins') throw new Error(`the daemon answered ${reply.type} to plugins`);
  return reply.plugins;
}

/** Loads the plug-ins as a daemon would, with the same errors. */
async function loadListed(config: Config, folder: string): Promise<readonly ListedPlugin[]> {
  const { inThread, loadPlugins } = await import('../../plugin/load.ts');
  const { pluginsOf } = await import('../../config/plugins.ts');
  const plugins = await loadPlugins(pluginsOf(config), folder);
  const rows = plugins.map(({ name, source, use, ports }) => ({
    name,
    source,
    thread: inThread(use),
    ports: Object.keys(ports).map((port) => ({ port })),
  }));
  await Promise.all(plugins.map((plugin) => plugin.close()));
  return rows;
}

/** Resolves a path against this shell's folder, wherever the daemon was started. */
async function addPlugin(use: string, options: AddOptions): Promise<void> {
  const { options: own, thread, labels } = options;
  const found = use.startsWith('.') ? resolve(use) : use;
  const more = { ...(own === undefined ? {} : { options: own }), ...(thread && { thread }), ...(labels && { labels }) };
  await change({ type: 'plugin.add', use: found, ...more }, options, doneWords({ type: 'plugin.add', use }));
}

async function change(command: PluginCommand, options: Options, words = doneWords(command)): Promise<void> {
  const { config } = await resolveConfig(options);
  await askDaemon(config.runFolder, command, options.timeout);
  const plugins = await askForPlugins(config, options);
  if (options.json) return console.log(JSON.stringify({ running: true, plugins }, null, 2));
  console.log([words, ...pluginLines(plugins)].join('\n'));
}
