/** What all experiments share: their folder, their unit of work, and a limit of time. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../lib/make-folder.ts';
import { CancelledError } from '../protocol/errors.ts';
import { writeFileWhole } from '../store/files.ts';

/** Questions that are sampled to measure the speed. */
export const PROBE_QUESTIONS = 16;
/** Kept questions of a step; a variation that changes it keeps the number of samples. */
export const BATCH_GROUPS = 32;

/** Milliseconds, 24 days: a timer cannot be longer. */
const LONGEST = 2 ** 31 - 1;

/** Marks the folder as an experiment's, so that the same command continues it; older ones are known by their cells. */
const MARK = 'experiment.json';

export function isExperiment(folder: string): boolean {
  return [MARK, 'cells'].some((name) => existsSync(join(folder, name)));
}

/** Call before anything is written to the folder of an experiment. */
export function markExperiment(folder: string): void {
  makeFolder(folder);
  writeFileWhole(join(folder, MARK), `${JSON.stringify({ format: 1 })}\n`);
}

/** Aborts when the time is over; undefined without a limit. */
export function afterMinutes(minutes: number | undefined): AbortSignal | undefined {
  return minutes === undefined ? undefined : AbortSignal.timeout(Math.min(LONGEST, Math.ceil(minutes * 60_000)));
}

/** Undefined when `late` ended the work. */
export async function unlessLate<T>(
  late: AbortSignal | undefined,
  stop: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work(AbortSignal.any(late === undefined ? [stop] : [late, stop]));
  } catch (error) {
    if (error instanceof CancelledError && late?.aborted === true && !stop.aborted) return undefined;
    throw error;
  }
}
