/**
 * Pacing: how many questions may be admitted so that no group is learnt from more than `maxStaleness` versions after it
 * was sampled.
 *
 * A group sampled now is at least as new as version `current`. It is learnt from after every batch that is ahead of it:
 * the windows that are closed and not learnt from, and those that the groups ahead of it can still close. In the worst
 * case the open window closes after `shortestClose` more groups and each later one after `batchGroups`, so the group
 * may be admitted while
 *
 *     closed + batches(groups ahead) <= maxStaleness,   batches(u) = 0 if u < shortestClose, else 1 + floor((u - shortestClose) / batchGroups)
 *
 * which is `room()` solved for the number of groups. Where every group is kept this is `(maxStaleness + 1) *
 * batchGroups` credits that come back when a group is dropped or learnt from. At a cut, where the way of sampling
 * changes, a window closes however small it is.
 *
 * `maxStaleness` may change: a group is learnt from within the bound that held when it was admitted, because what is
 * admitted after it never comes before it. After the bound was lowered nothing is admitted until what is ahead fits the
 * new one.
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
  /** Kept groups in the open window. */
  readonly kept: number;
  /** First sequence number that is not admitted. */
  readonly admitted: number;
  /** Ascending, after `settled`, at most `admitted`: no window holds groups on both sides. */
  readonly cuts: readonly number[];
  /** Closed, non-empty windows that are not learnt from yet, the one in hand included. */
  readonly closed: number;
}

/** Groups that may be admitted now without any of them risking the bound. */
export function room(load: Load, options: Pick<PacerOptions, 'maxStaleness' | 'batchGroups'>): number {
  const { windows, shortestClose } = ahead(load, options.batchGroups);
  return Math.max(0, shortestClose + (options.maxStaleness - load.closed - windows) * options.batchGroups);
}

/**
 * The worst case for the admitted groups, in which all are kept: the windows that they close, and `shortestClose` after
 * them.
 */
function ahead(
  { settled, admitted, cuts, shortestClose, kept }: Load,
  batchGroups: number,
): { windows: number; shortestClose: number } {
  let [windows, toClose, open, at] = [0, shortestClose, kept > 0, settled];
  for (const end of [...cuts, admitted]) {
    const groups = end - at;
    if (groups >= toClose) {
      const more = groups - toClose;
      windows += 1 + Math.floor(more / batchGroups);
      toClose = batchGroups - (more % batchGroups);
      open = toClose < batchGroups;
    } else if (groups > 0) {
      toClose -= groups;
      open = true;
    }
    if (cuts.includes(end) && open) {
      windows += 1;
      toClose = batchGroups;
      open = false;
    }
    at = end;
  }
  return { windows, shortestClose: toClose };
}

/**
 * Groups to admit now. Synchronous (`maxStaleness` 0): whole rounds only, the next after the last is judged, so that
 * the jobs equal those of a for-loop at any timing. Otherwise whole jobs as credits come back, or the remaining credits
 * when no group under way could free more.
 */
export function admissible(load: Load, options: PacerOptions): number {
  const free = room(load, options);
  const inFlight = load.admitted - load.settled - load.early;
  if (inFlight === 0) return free;
  return options.maxStaleness === 0 ? 0 : free - (free % options.jobQuestions);
}

/**
 * Hands out admissions to one caller at a time. It keeps no count: it derives the credits from where the groups are at
 * each call.
 */
export class Pacer {
  readonly #options: () => PacerOptions;
  readonly #load: () => Load;
  #wake: (() => void) | undefined;

  constructor(options: () => PacerOptions, load: () => Load) {
    this.#options = options;
    this.#load = load;
  }

  /** Groups that may be admitted before the bound stops admissions. */
  get credits(): number {
    return room(this.#load(), this.#options());
  }

  /** Whether an actor waits for credits. */
  get waiting(): boolean {
    return this.#wake !== undefined;
  }

  /**
   * Resolves with the number of questions to admit; the caller admits them before it asks again. @throws CancelledError
   * on abort.
   */
  async acquire(signal: AbortSignal): Promise<number> {
    for (;;) {
      if (signal.aborted) throw new CancelledError('stopped waiting for credits');
      const count = admissible(this.#load(), this.#options());
      if (count > 0) return count;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', this.#wakeUp);
      });
      signal.removeEventListener('abort', this.#wakeUp);
      this.#wake = undefined;
    }
  }

  /** Call whenever a group was judged, a batch was learnt from or the options changed. */
  release(): void {
    this.#wakeUp();
  }

  readonly #wakeUp = (): void => this.#wake?.();
}
