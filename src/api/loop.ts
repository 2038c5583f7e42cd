/** A daemon in the process of a script. */
import { completeConfig } from '../config/load.ts';
import type { ConfigInput } from '../config/schema.ts';
import { startDaemon } from '../daemon/daemon.ts';
import type { DaemonHandle, DaemonHooks } from '../daemon/daemon-handle.ts';

/** A dashboard needs a port, which a script rarely wants: it opens only if the settings name it. */
export function startLoop(
  { dashboard = { port: null }, ...settings }: ConfigInput,
  hooks: DaemonHooks,
): Promise<DaemonHandle> {
  const { config, folder } = completeConfig({ ...settings, dashboard }, { continues: true });
  return startDaemon(config, { pluginFolder: folder, ...hooks });
}
