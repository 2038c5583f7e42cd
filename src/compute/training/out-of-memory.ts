/** Runs work in passes, and in smaller ones after a pass has found no memory. */
import { ALONE, shareOf, type Ranks } from './ranks.ts';
import { inPasses, isSplittable, tokensOf, type Pass, type PassLimit } from './passes.ts';

/** Messages of ONNX Runtime and of its allocators when a run finds no memory. */
const SAID = /failed to allocate memory|bad_alloc|out of memory|CUDA_ERROR_OUT_OF_MEMORY|CUBLAS_STATUS_ALLOC_FAILED/i;

/** Whether a run failed because it found no memory, so that a smaller run may succeed. */
function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && SAID.test(error.message);
}

/** Takes what a part has to tell the user. */
export type Note = (text: string) => void;

/** Without a listener the process warns on standard error. */
export const warn: Note = (text) => process.emitWarning(text);

export class FittingPasses<R> {
  readonly #lengthOf: (response: R) => number;
  readonly #none: R;
  readonly #words: (tokens: number, smaller: number) => string;
  readonly #note: Note;
  /** Smaller than the given limit after a pass has found no memory. */
  #limit: PassLimit;

  /** @param options `none` is a response without a token; `words` tell the user that passes get smaller. */
  constructor(options: {
    readonly limit: PassLimit;
    readonly lengthOf: (response: R) => number;
    readonly none: R;
    readonly words: (tokens: number, smaller: number) => string;
    readonly note: Note;
  }) {
    this.#limit = options.limit;
    this.#lengthOf = options.lengthOf;
    this.#none = options.none;
    this.#words = options.words;
    this.#note = options.note;
  }

  /**
   * Gives `work` this thread's own passes. When a pass of any thread finds no memory, `work` runs again in all of them
   * with passes of at most half the tokens of the largest; it begins by undoing what it left behind.
   * @param work gets the number of all passes too
   */
  async run<T>(
    groups: Parameters<typeof inPasses<R>>[0],
    work: (own: readonly Pass<R>[], count: number) => Promise<T>,
    ranks: Ranks = ALONE,
  ): Promise<T> {
    for (;;) {
      const passes = inPasses(groups, this.#limit, this.#lengthOf, this.#none);
      const tried = await attempt(work(shareOf(passes, ranks), passes.length), passes.some(isSplittable));
      if (!ranks.gather(tried === undefined).includes(true)) return tried!.value;
      const largest = Math.max(...passes.map(tokensOf));
      this.#limit = { tokens: Math.floor(largest / 2) };
      this.#note(this.#words(largest, this.#limit.tokens!));
    }
  }
}

/** Undefined where the work found no memory and can be split. */
async function attempt<T>(work: Promise<T>, isSplit: boolean): Promise<{ readonly value: T } | undefined> {
  try {
    return { value: await work };
  } catch (error) {
    if (isSplit && isOutOfMemory(error)) return undefined;
    throw error;
  }
}
