/**
 * A daemon around the toy policy in a process of its own, for tests that kill it. Arguments: run folder's parent, JSON of configuration,
 * and where to die: `beforeLearn:3` is SIGKILL at the third learner step of this process; `none` is not to.
 */
import { startDaemon } from '../../src/daemon.ts';
import type { ConfigInput } from '../../src/config/schema.ts';
import { ToyPolicy, type ToyFaults } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

const [folder, input, death] = process.argv.slice(2) as [string, string, string];
const [where, count] = death.split(':') as [string, string];
const seen = new Map<string, number>();

function at(place: string): void {
  seen.set(place, (seen.get(place) ?? 0) + 1);
  if (place === where && seen.get(place) === Number(count)) process.kill(process.pid, 'SIGKILL');
}

const faults: ToyFaults = {
  beforeSample: () => at('beforeSample'),
  beforeLearn: () => at('beforeLearn'),
  afterLearn: () => at('afterLearn'),
  beforeSave: () => at('beforeSave'),
};
const { config } = toyRun(JSON.parse(input) as ConfigInput, folder);
const daemon = await startDaemon(config, {
  handleSignals: true,
  createPolicy: (_, { checkpoint }) => new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) }),
});
const report = await daemon.closed();
process.stdout.write(JSON.stringify(report));
