/** Thread entry of grader.ts: compares one pair of answers at a time. */
import { parentPort } from 'node:worker_threads';
import { equivalent } from './equivalence/index.ts';
import type { PairReply, PairRequest } from './grader.ts';

const reply = (message: PairReply): void => parentPort?.postMessage(message);

parentPort?.on('message', ({ a, b }: PairRequest) => reply({ type: 'verdict', same: equivalent(a, b) }));
reply({ type: 'ready' });
