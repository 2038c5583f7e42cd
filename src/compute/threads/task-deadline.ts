/**
 * Gives up a thread's task at its deadline, which each sign of progress renews, or when the task ignores a
 * cancellation.
 */
import { LiveTimer } from '../../lib/live-timer.ts';
import { tellProgress } from '../../lib/progress.ts';
import { TimeoutError } from '../../protocol/errors.ts';
import type { TaskFlags } from '../../protocol/worker.ts';
import { CANCELLED, PROGRESS, stageWords } from '../engine/native.ts';

/** Grace period of a cancelled task; past its deadline a task has none. */
const CANCEL_GRACE_SECONDS = 30;
const LOOK_MILLISECONDS = 1000;

export interface Watched {
  readonly flags: TaskFlags;
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
  /** Changes while any thread of the pool makes progress; counts as progress of a queued task. */
  readonly ofThePool: () => number;
  /** Called once. */
  readonly giveUp: () => void;
}

/** @returns a function that ends the watch. */
export function watchTask({ flags, seconds, signal, ofThePool, giveUp }: Watched): () => void {
  const progress = (): number => Atomics.load(flags, PROGRESS) || -ofThePool();
  let seen = progress();
  const begin = () => new LiveTimer(() => look() || end(), 1000 * seconds);
  const look = (): boolean => {
    const now = progress();
    if (now === seen) return false;
    seen = now;
    deadline.cancel();
    deadline = begin();
    tellProgress(signal, stageWords(flags));
    return true;
  };
  const stop = (): void => {
    clearInterval(looks);
    deadline.cancel();
    signal?.removeEventListener('abort', onAbort);
  };
  const end = (): void => {
    stop();
    giveUp();
  };
  const onAbort = (): void => {
    Atomics.store(flags, CANCELLED, 1);
    stop();
    if (signal?.reason instanceof TimeoutError) giveUp();
    else deadline = new LiveTimer(giveUp, 1000 * CANCEL_GRACE_SECONDS);
  };
  let deadline = begin();
  const looks = setInterval(look, Math.min(LOOK_MILLISECONDS, 250 * seconds));
  signal?.addEventListener('abort', onAbort, { once: true });
  return stop;
}
