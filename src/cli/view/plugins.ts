/** Plug-ins as lines of text: one a plug-in, under it one a port. */
import pc from 'picocolors';
import type { PluginPort, PluginRow } from '../../protocol/plugins.ts';

/** Without a daemon a port has no actor yet. */
type ListedPort = PluginPort | { readonly port: string };
export type ListedPlugin = Omit<PluginRow, 'ports'> & { readonly ports: readonly ListedPort[] };

const COLOURS: Readonly<Record<PluginPort['state'], (text: string) => string>> = {
  opening: pc.cyan,
  running: pc.green,
  restarting: pc.yellow,
  parked: pc.red,
  'standing by': pc.dim,
};

export function pluginLines(plugins: readonly ListedPlugin[]): string[] {
  if (plugins.length === 0) return ['No plug-ins.'];
  return plugins.flatMap(({ name, source, thread, ports }) => [
    `${pc.bold(name)}  ${pc.dim(thread ? `${source}, in a thread of its own` : source)}`,
    ...ports.flatMap(portLines),
  ]);
}

function portLines(port: ListedPort): string[] {
  if (!('state' in port)) return [`  ${port.port}`];
  const { actor, state, restarts, error } = port;
  const times = restarts === 0 ? '' : pc.yellow(`  ${restarts}× restarted`);
  const line = `  ${port.port.padEnd(11)}${COLOURS[state](state.padEnd(12))}${pc.dim(actor)}${times}`;
  return [line, ...(error === undefined ? [] : [`    ${pc.red(error.replaceAll('\n', '\n    '))}`])];
}
