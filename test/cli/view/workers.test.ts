import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { workerLines } from '../../../src/cli/view/workers.ts';
import { RUNNING, WORKERS } from './status.ts';

it('lists each worker with its version, how far it is behind, and when it was heard; the reason under a parked one', () => {
  expect(workerLines(WORKERS, RUNNING).map((line) => stripVTControlCharacters(line))).toEqual([
    'name   host    devices        roles    version  behind  groups  groups/s  passes  sent   received  last seen  state',
    'gpu-a  rack-1  cuda:0,cuda:1  sampler  47       1       120     0.50      0       24 MB  1.25 GB   0:01 ago   working',
    'gpu-b  rack-1  cuda:0,cuda:1  sampler  47       –       120     0.00      0       24 MB  1.25 GB   1:30 ago   left',
    'gpu-c  rack-1  cuda:0,cuda:1  sampler  47       1       120     0.50      0       24 MB  1.25 GB   0:01 ago   parked',
    '  its log-probabilities differ by 0.5 nats a token',
    'cpu-a  rack-2  cpu            sampler  –        –       0       0.00      0       24 MB  1.25 GB   0:01 ago   working',
    'gpu-d  rack-1  cuda:0,cuda:1  learner  47       1       0       0.00      36      24 MB  1.25 GB   0:01 ago   working',
  ]);
  expect(workerLines([], RUNNING)).toEqual(['No worker has joined.']);
});
