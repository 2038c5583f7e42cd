/** Caches encoded answers for a second, so that fifty pages opening at once cost one query. */
import { encode } from '../../src/protocol/codec.ts';
import type { Method, Requests } from '../../src/protocol/frames.ts';
import type { Clock } from './clock.ts';
import { answer } from './requests.ts';
import type { DashboardSource } from './source.ts';
import type { Turns } from './turns.ts';

const FRESH_MILLISECONDS = 1000;
const MOST_BYTES = 32 * 2 ** 20;
/** A longer value is refused instead of sent, bytes. */
export const LONGEST_VALUE = 16 * 2 ** 20;

export class Replies {
  readonly #source: DashboardSource;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #turns: Turns;
  /** Oldest first. */
  readonly #kept = new Map<string, { readonly bytes: Uint8Array; readonly at: number }>();
  #bytes = 0;
  #warming: Promise<void> | undefined;

  constructor(source: DashboardSource, clock: Pick<Clock, 'now'>, turns: Turns) {
    this.#source = source;
    this.#clock = clock;
    this.#turns = turns;
  }

  /** @returns the encoded answer. @throws InputError as `answer` does. */
  async value<M extends Method>(method: M, params: Requests[M]['params']): Promise<Uint8Array> {
    const key = `${method} ${JSON.stringify(params)}`;
    if (method === 'history' && !this.#fresh(key)) await (this.#warming ??= this.#warm());
    return (
      this.#fresh(key) ??
      this.#keep(
        key,
        this.#turns.measure(() => encode(answer(method, params, this.#source))),
      )
    );
  }

  /** Call after a command: answers from before it are stale. */
  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  async #warm(): Promise<void> {
    try {
      await this.#source.store.warmHistory();
    } finally {
      this.#warming = undefined;
    }
  }

  #fresh(key: string): Uint8Array | undefined {
    this.#forget();
    return this.#kept.get(key)?.bytes;
  }

  #keep(key: string, bytes: Uint8Array): Uint8Array {
    this.#kept.set(key, { bytes, at: this.#clock.now() });
    this.#bytes += bytes.length;
    return bytes;
  }

  #forget(): void {
    for (const [key, { bytes, at }] of this.#kept) {
      if (this.#clock.now() - at < FRESH_MILLISECONDS && this.#bytes <= MOST_BYTES) return;
      this.#kept.delete(key);
      this.#bytes -= bytes.length;
    }
  }
}
