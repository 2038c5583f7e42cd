/** A grader's thread that hangs on `hang`, dies on `die`, and calls all other pairs different. */
import { parentPort } from 'node:worker_threads';
import type { PairReply, PairRequest } from '../../src/learn/grader.ts';

const reply = (message: PairReply): void => parentPort?.postMessage(message);

parentPort?.on('message', ({ a, b }: PairRequest) => {
  if (`${a}${b}`.includes('h')) for (;;);
  if (`${a}${b}`.includes('d')) process.exit(3);
  reply({ type: 'verdict', same: true });
});
reply({ type: 'ready' });
