/**
 * A daemon with a dashboard around the toy policy in a process of its own. Arguments: run folder's parent, JSON of
 * configuration, milliseconds that a learner step takes, and the toy's edge. Says where its dashboard is in its first line.
 */
import '../../support/ends-with-test.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import type { ConfigInput } from '../../../src/config/schema.ts';
import { ToyPolicy } from '../../support/toy-policy.ts';
import { toyRun } from '../../support/toy-run.ts';

const [folder, input, milliseconds, edge] = process.argv.slice(2) as [string, string, string, string];
const faults = { beforeLearn: () => pause(Number(milliseconds)) };
const { config } = toyRun(JSON.parse(input) as ConfigInput, folder);
const daemon = await startDaemon(config, {
  handleSignals: true,
  createPolicy: (_, { checkpoint }) =>
    new ToyPolicy({ faults, edge: Number(edge), learningRate: 0.2, ...(checkpoint ? { checkpoint } : {}) }),
});
process.stdout.write(`${JSON.stringify(daemon.dashboard)}\n`);
await daemon.closed();
