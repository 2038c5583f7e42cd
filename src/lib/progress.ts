/**
 * Progress of long work, told through the signal of its deadline: the signal is the one thing that a deadline and the
 * thread that works hand on to each other. Each sign of progress begins the deadline anew, so a deadline bounds how
 * long nothing happens, not how long a large model takes.
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
