/**
 * Entry of every compute thread. `workerData` names its role; the thread counts as started once its model is loaded.
 */
import { workerData } from 'node:worker_threads';
import { toErrorData } from '../../protocol/errors.ts';
import type {
  LearnerCall,
  RolloutCall,
  TaskFlags,
  WorkerCall,
  WorkerReply,
  WorkerTask,
  WorkerValues,
} from '../../protocol/worker.ts';
import { LearnerWorker, type LearnerSetup } from './learner-worker.ts';
import { atTask } from '../engine/native.ts';
import { RolloutWorker, type RolloutSetup } from './rollout-worker.ts';

export type WorkerSetup = RolloutSetup | LearnerSetup;

type Answer = (call: WorkerCall, flags: TaskFlags) => Promise<WorkerValues[WorkerCall['type']]>;

/** What the task in hand has to tell the user. */
let notes: string[] = [];
const note = (text: string): void => {
  notes.push(text);
};

async function start(setup: WorkerSetup): Promise<Answer> {
  if (setup.role === 'rollout') {
    const worker = await RolloutWorker.start(setup, note);
    return (call, flags) => worker.answer(call as RolloutCall, flags);
  }
  const worker = await LearnerWorker.start(setup, note);
  return (call, flags) => worker.answer(call as LearnerCall, flags);
}

/**
 * A thread that cannot start stays alive and answers every call with the reason; if it died, the pool would give up
 * without one.
 */
const answer = await start(workerData as WorkerSetup).catch(
  (error: Error): Answer =>
    () =>
      Promise.reject(error),
);

export default async function perform({ call, flags }: WorkerTask): Promise<WorkerReply> {
  notes = [];
  try {
    atTask(flags);
    return { type: 'ok', value: await answer(call, flags), notes };
  } catch (error) {
    return { type: 'error', error: toErrorData(error), notes };
  }
}
