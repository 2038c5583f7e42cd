/**
 * A daemon around the toy policy in a process of its own. Each page that connects to its dashboard causes an uncaught
 * error there. The process prints the dashboard's address and, at the end, its report. Arguments: run folder's parent,
 * JSON of configuration.
 */
import { Hub } from '../../dashboards/server/hub.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { ToyPolicy } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

const [folder, input] = process.argv.slice(2) as [string, string];
Hub.prototype.join = (socket) => {
  setImmediate(() => {
    socket.terminate();
    throw new Error('a fault of the dashboard');
  });
};
const { config } = toyRun(JSON.parse(input) as ConfigInput, folder);
const daemon = await startDaemon(config, { handleSignals: true, createPolicy: () => new ToyPolicy() });
process.stdout.write(`${daemon.dashboard!.url}\n`);
process.stdout.write(`${JSON.stringify(await daemon.closed())}\n`);
