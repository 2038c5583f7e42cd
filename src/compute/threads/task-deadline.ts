/**
 * When a task of a thread is given up: at its deadline, which begins anew with each sign of progress, or when it does
 * not notice that it was cancelled.
 */
import { LiveTimer } from '../../lib/live-timer.ts';
import { tellProgress } from '../../lib/progress.ts';
import { TimeoutError } from '../../protocol/errors.ts';
import type { TaskFlags } from '../../protocol/worker.ts';
import { CANCELLED, PROGRESS } from '../engine/native.ts';

/** How long a cancelled task has to notice; one past its deadline has none. */
const CANCEL_GRACE_SECONDS = 30;
const LOOK_MILLISECONDS = 1000;

export interface Watched {
  readonly flags: TaskFlags;
  readonly seconds: number;
  readonly signal: AbortSignal | undefined;
  /** A number that changes while any thread of the pool gets on: progress for a task that waits for one. */
  readonly ofThePool: () => number;
  /** Called once. */
  readonly giveUp: () => void;
}

/** @returns what ends the watch. */
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
    tellProgress(signal);
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
