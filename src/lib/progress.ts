/**
 * Progress of long work, reported through the signal of its deadline: the signal is the only object that the deadline
 * and the working thread share. Each report restarts the deadline, so a deadline bounds the time without progress, not
 * the time that a large model takes.
 */
const PROGRESS = 'progress';

/** Called by what does the work. */
export function tellProgress(signal: AbortSignal | undefined): void {
  signal?.dispatchEvent(new Event(PROGRESS));
}

/** Called by what waits for the work. */
export function onProgress(signal: AbortSignal, listener: () => void): void {
  signal.addEventListener(PROGRESS, listener);
}
