/**
 * Progress of long work, reported through the signal of its deadline: the signal is the only object that the deadline
 * and the working thread share. Each report restarts the deadline, so a deadline bounds the time without progress, not
 * the time that a large model takes.
 */
const PROGRESS = 'progress';

/** The code that does the work calls this. @param stage how far it is, such as `token 3 of 8` */
export function tellProgress(signal: AbortSignal | undefined, stage?: string): void {
  signal?.dispatchEvent(new CustomEvent(PROGRESS, { detail: stage }));
}

/** The code that waits for the work calls this. */
export function onProgress(signal: AbortSignal, listener: (stage: string | undefined) => void): void {
  signal.addEventListener(PROGRESS, (event) => listener((event as CustomEvent<string | null>).detail ?? undefined));
}
