/** One launch of a run on the toy policy in this process, with the questions it sampled and the batches it learnt. */
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { Batch, Question } from '../../src/protocol/messages.ts';
import { ToyPolicy } from './toy-policy.ts';
import type { ToyRun } from './toy-run.ts';

export interface ToyLaunch {
  readonly sampled: readonly Question[];
  readonly learnt: readonly Batch[];
}

/** @throws Error unless the run ends by reaching its steps */
export async function launchToyHere(config: ToyRun['config']): Promise<ToyLaunch> {
  const sampled: Question[] = [];
  const learnt: Batch[] = [];
  const faults = {
    beforeSample: ({ questions }: { readonly questions: readonly Question[] }) => void sampled.push(...questions),
    beforeLearn: (batch: Batch) => void learnt.push(batch),
  };
  const createPolicy = (_: unknown, { checkpoint }: { checkpoint?: { version: number; folder: string } }) =>
    new ToyPolicy({ faults, ...(checkpoint ? { checkpoint } : {}) });
  const report = await (await startDaemon(config, { createPolicy })).closed();
  if (report.end !== 'steps') throw new Error(report.error ?? report.end);
  return { sampled, learnt };
}
