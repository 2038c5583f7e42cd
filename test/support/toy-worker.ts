/**
 * A worker on the toy policy in a process of its own. Arguments: address of NATS, name, cache folder, milliseconds that
 * each job takes.
 */
import './ends-with-test.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '../../src/cluster/worker.ts';
import { ToyPolicy } from './toy-policy.ts';

const [join, name, cache, milliseconds] = process.argv.slice(2) as [string, string, string, string];
const worker = await Worker.start({
  join,
  cluster: 'quorum',
  name,
  devices: ['cpu'],
  cache,
  say: (text) => console.log(text),
  open: async (_, weightsOf) => ToyPolicy.remote(weightsOf, { beforeSample: () => sleep(Number(milliseconds)) }),
});
process.on('SIGTERM', () => worker.drain('it was told to stop'));
await worker.run();
