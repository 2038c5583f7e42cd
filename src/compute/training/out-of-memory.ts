/** Runs work in passes, and in smaller ones after a pass has found no memory. */
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
   * Gives `work` the passes. When one of them finds no memory, `work` runs again with passes of at most half the tokens
   * of the largest: it must leave nothing behind when it fails.
   */
  async run<T>(
    groups: Parameters<typeof inPasses<R>>[0],
    work: (passes: readonly Pass<R>[]) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      const passes = inPasses(groups, this.#limit, this.#lengthOf, this.#none);
      try {
        return await work(passes);
      } catch (error) {
        if (!isOutOfMemory(error) || !passes.some(isSplittable)) throw error;
        const largest = Math.max(...passes.map(tokensOf));
        this.#limit = { tokens: Math.floor(largest / 2) };
        this.#note(this.#words(largest, this.#limit.tokens!));
      }
    }
  }
}
