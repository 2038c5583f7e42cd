/** Every wait on a thread, a socket or a module goes through here: it has a name, an end, and can be cancelled. */
import { LiveTimer } from './live-timer.ts';
import { onProgress, tellProgress } from './progress.ts';
import { CancelledError, TimeoutError } from '../protocol/errors.ts';
import { sharedController } from './shared-signal.ts';

/** Of XState's kind, so that one clock can be behind an actor's deadlines and its back-off. */
export interface Timers {
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

const REAL: Timers = {
  setTimeout: (callback, milliseconds) => new LiveTimer(callback, milliseconds),
  clearTimeout: (timer) => (timer as LiveTimer).cancel(),
};

/**
 * Runs `work` until the first of these: it settles, `seconds` pass without progress (time in which this process was
 * stopped does not count), or `signal` aborts. The signal passed to `work` aborts in the last two cases; `work` that
 * ignores it continues, and its result is dropped. Work reports progress through the same signal (src/lib/progress.ts);
 * without reports, `seconds` bound the whole.
 * @throws TimeoutError that names the wait; CancelledError.
 */
export async function withDeadline<R>(
  name: string,
  seconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<R>,
  clock: Timers = REAL,
): Promise<R> {
  if (signal?.aborted === true) throw new CancelledError(`${name}: cancelled`);
  const controller = sharedController();
  let end: (error: Error) => void = () => {};
  const limit = new Promise<never>((_, reject) => {
    end = (error) => {
      reject(error);
      controller.abort(error);
    };
  });
  const cancel = () => end(new CancelledError(`${name}: cancelled`));
  const begin = (what: string) =>
    clock.setTimeout(() => end(new TimeoutError(`${name}: ${what} ${seconds} s`)), seconds * 1000);
  let timer = begin('not done after');
  let isSettled = false;
  onProgress(controller.signal, (stage) => {
    if (isSettled || controller.signal.aborted) return;
    clock.clearTimeout(timer);
    timer = begin('no progress in');
    tellProgress(signal, stage);
  });
  signal?.addEventListener('abort', cancel);
  try {
    return await Promise.race([work(controller.signal), limit]);
  } finally {
    isSettled = true;
    clock.clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}
