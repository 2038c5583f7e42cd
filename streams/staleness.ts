/**
 * Pacing: how many questions may be admitted so that no group is learnt from more than `maxStaleness` versions after it was sampled.
 *
 * A group sampled now is at least as new as version `current`. It is learnt from after every batch that is ahead of it: the windows that
 * are closed and not learnt from, and those that the groups ahead of it can still close. In the worst case the open window closes after
 * `shortestClose` more groups and each later one after `batchGroups`, so the group may be admitted while
 *
 *     closed + batches(groups ahead) <= maxStaleness,   batches(u) = 0 if u < shortestClose, else 1 + floor((u - shortestClose) / batchGroups)
 *
 * which is `room()` solved for the number of groups. Where every group is kept this is `(maxStaleness + 1) * batchGroups` credits that
 * come back when a group is dropped or learnt from.
 */
import { CancelledError } from '../src/protocol/errors.ts';

export interface PacerOptions {
  readonly maxStaleness: number;
  readonly batchGroups: number;
  /** Questions in a full sampler job: with less room than this, admission waits rather than cut small jobs. */
  readonly jobQuestions: number;
}

/** Where the groups are: see `Batcher` for the first three. */
export interface Load {
  /** First sequence number that no window has consumed or is about to (in order). */
  readonly settled: number;
  /** Judged groups that wait for an earlier one. */
  readonly early: number;
  readonly shortestClose: number;
  /** First sequence number that is not admitted. */
  readonly admitted: number;
  /** Closed, non-empty windows that are not learnt from yet, the one in hand included. */
  readonly closed: number;
}

/** Groups that may be admitted now without any of them risking the bound. */
export function room(load: Load, options: Pick<PacerOptions, 'maxStaleness' | 'batchGroups'>): number {
  const ahead = load.admitted - load.settled;
  return Math.max(0, load.shortestClose + (options.maxStaleness - load.closed) * options.batchGroups - ahead);
}

/**
 * Groups to admit now. Synchronous (`maxStaleness` 0): whole rounds only, the next when the last is judged, so that the jobs are those of
 * a for-loop whatever the timing. Else whole jobs as credits come back, or what there is when no group is on its way that could free more.
 */
export function admissible(load: Load, options: PacerOptions): number {
  const free = room(load, options);
  const inFlight = load.admitted - load.settled - load.early;
  if (inFlight === 0) return free;
  return options.maxStaleness === 0 ? 0 : free - (free % options.jobQuestions);
}

/** Hands out admissions, to one asker at a time. It keeps no count of its own: where the groups are is asked each time. */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #load: () => Load;
  #wake: (() => void) | undefined;

  constructor(options: PacerOptions, load: () => Load) {
    this.#options = options;
    this.#load = load;
  }

  /** Groups that may be admitted before the bound stops admissions. */
  get credits(): number {
    return room(this.#load(), this.#options);
  }

  /** Whether somebody waits for credits. */
  get waiting(): boolean {
    return this.#wake !== undefined;
  }

  /** Resolves with the number of questions to admit; the caller admits them before it asks again. @throws CancelledError on abort. */
  async acquire(signal: AbortSignal): Promise<number> {
    for (;;) {
      if (signal.aborted) throw new CancelledError('stopped waiting for credits');
      const count = admissible(this.#load(), this.#options);
      if (count > 0) return count;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', this.#wakeUp);
      });
      signal.removeEventListener('abort', this.#wakeUp);
      this.#wake = undefined;
    }
  }

  /** Call whenever a group was judged or a batch was learnt from. */
  release(): void {
    this.#wakeUp();
  }

  readonly #wakeUp = (): void => this.#wake?.();
}
