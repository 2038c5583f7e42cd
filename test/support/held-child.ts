/**
 * A daemon around the toy policy in a process of its own. In the step from version 2 its learner and samplers wait: the
 * process prints `held` and continues at the first byte on stdin. Arguments: run folder's parent, JSON of
 * configuration.
 */
import './ends-with-test.ts';
import { once } from 'node:events';
import type { ConfigInput } from '../../src/config/schema.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { ToyPolicy } from './toy-policy.ts';
import { toyRun } from './toy-run.ts';

const [folder, input] = process.argv.slice(2) as [string, string];
const told = once(process.stdin, 'data').then(() => undefined);
let isHolding = false;

const { config } = toyRun(JSON.parse(input) as ConfigInput, folder);
const daemon = await startDaemon(config, {
  handleSignals: true,
  createPolicy: () =>
    new ToyPolicy({
      faults: {
        beforeSample: () => (isHolding ? told : undefined),
        beforeLearn: ({ parent }) => {
          if (parent !== 2) return undefined;
          isHolding = true;
          process.stdout.write('held\n');
          return told;
        },
      },
    }),
});
process.stdout.write(`${JSON.stringify(await daemon.closed())}\n`);
process.stdin.destroy();
