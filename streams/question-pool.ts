/**
 * Synthetic questions that wait to be asked. Bounded: when it is full, the question that was asked most often leaves, of several the oldest.
 * A question comes back after it was asked as long as its vote was worth learning from, `maxUses` times at most.
 */
import type { PictureRef, Question } from '../src/protocol/messages.ts';
import type { PooledQuestion } from '../src/store/pool.ts';

export interface PoolOptions {
  readonly capacity: number;
  readonly maxUses: number;
}

export class QuestionPool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, PooledQuestion>();
  /** Asked and not yet judged. */
  readonly #out = new Set<string>();

  constructor(entries: readonly PooledQuestion[], options: PoolOptions) {
    this.#options = options;
    for (const entry of entries) this.#entries.set(entry.question.id, entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Questions that may be asked now. */
  get available(): number {
    return this.#entries.size - this.#out.size;
  }

  /** Texts of the questions about the same pictures. */
  textsAbout(pictures: readonly PictureRef[]): string[] {
    const key = JSON.stringify(pictures);
    return [...this.#entries.values()].filter(({ question }) => JSON.stringify(question.pictures) === key).map(({ question }) => question.text);
  }

  /** @returns ids of those that left for it. */
  add(question: Question): readonly string[] {
    const left: string[] = [];
    while (this.#entries.size >= this.#options.capacity) {
      const worst = [...this.#entries.values()]
        .filter(({ question: { id } }) => !this.#out.has(id))
        .reduce<PooledQuestion | undefined>(lessUseful, undefined);
      if (worst === undefined) return left; // all of them are being asked: there is no room
      this.#entries.delete(worst.question.id);
      left.push(worst.question.id);
    }
    this.#entries.set(question.id, { question, uses: 0 });
    return left;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** At most `count`, the least asked first, of those the oldest. */
  take(count: number): PooledQuestion[] {
    const ready = [...this.#entries.values()].filter(({ question: { id } }) => !this.#out.has(id));
    const taken = ready.toSorted((a, b) => a.uses - b.uses).slice(0, count); // stable: of equals the older
    return taken.map(({ question, uses }) => {
      const used = { question, uses: uses + 1 };
      this.#entries.set(question.id, used);
      this.#out.add(question.id);
      return used;
    });
  }

  /** A question of the pool was judged. @returns whether it left. */
  judged(id: string, kept: boolean): boolean {
    this.#out.delete(id);
    const entry = this.#entries.get(id);
    return entry !== undefined && (!kept || entry.uses >= this.#options.maxUses) && this.#entries.delete(id);
  }
}

/** Insertion order is age, so the first of the most asked is the oldest of them. */
function lessUseful(worst: PooledQuestion | undefined, entry: PooledQuestion): PooledQuestion {
  return worst === undefined || entry.uses > worst.uses ? entry : worst;
}
