/** Ends the wait for work that cannot be cancelled; the work itself continues, and its result is dropped. */
import { LiveTimer } from './live-timer.ts';
import { TimeoutError } from '../protocol/errors.ts';

/** @throws TimeoutError with `late` when `work` is not settled after `seconds` in which this process ran. */
export async function within<T>(seconds: number, late: string, work: Promise<T>): Promise<T> {
  let timer: LiveTimer | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = new LiveTimer(() => reject(new TimeoutError(late)), 1000 * seconds);
  });
  return Promise.race([work, end]).finally(() => timer?.cancel());
}
