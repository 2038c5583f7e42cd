/**
 * Workers on the toy policy in a process of their own. Arguments: address of NATS, names with commas between them, cache
 * folder, milliseconds that each job takes. TOY_EDGE is the edge of the daemon's toy, where it is not the usual one.
 */
import './ends-with-test.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '../../src/cluster/worker.ts';
import { ToyPolicy } from './toy-policy.ts';

const [join, names, cache, milliseconds] = process.argv.slice(2) as [string, string, string, string];
const edge = process.env['TOY_EDGE'];
const start = (name: string): Promise<Worker> =>
  Worker.start({
    join,
    cluster: 'quorum',
    name,
    devices: ['cpu'],
    cache,
    say: (text) => console.log(text),
    open: async (_, weightsOf) =>
      ToyPolicy.remote(
        weightsOf,
        { beforeSample: () => sleep(Number(milliseconds)) },
        edge === undefined ? {} : { edge: Number(edge) },
      ),
  });
const workers = await Promise.all(names.split(',').map(start));
process.on('SIGTERM', () => workers.forEach((worker) => worker.drain('it was told to stop')));
await Promise.all(workers.map((worker) => worker.run()));
