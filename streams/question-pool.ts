/**
 * Synthetic questions that wait to be asked. Bounded: when it is full, the most often asked question leaves, the oldest
 * of several. A question returns to the pool as long as its vote is worth learning from, at most `maxUses` times.
 */
import type { PictureRef, Question } from '../src/protocol/messages.ts';
import type { PooledQuestion } from '../src/store/synthetic-pool.ts';

export interface PoolOptions {
  readonly capacity: number;
  readonly maxUses: number;
}

export class QuestionPool {
  readonly #options: PoolOptions;
  readonly #entries = new Map<string, PooledQuestion>();
  /** Asked and not yet judged. */
  readonly #out = new Set<string>();

  /** @param asked ids of questions that are being asked. */
  constructor(entries: readonly PooledQuestion[], options: PoolOptions, asked: Iterable<string> = []) {
    this.#options = options;
    for (const entry of entries) this.#entries.set(entry.question.id, entry);
    for (const id of asked) if (this.#entries.has(id)) this.#out.add(id);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Questions that may be asked now. */
  get available(): number {
    return this.#ready().length;
  }

  /** Questions that could be added, were all that are not being asked to leave for them. */
  get room(): number {
    return Math.max(0, this.#options.capacity - this.#out.size);
  }

  /** Texts of the questions about the same pictures. */
  textsAbout(pictures: readonly PictureRef[]): string[] {
    const key = JSON.stringify(pictures);
    return [...this.#entries.values()]
      .filter(({ question }) => JSON.stringify(question.pictures) === key)
      .map(({ question }) => question.text);
  }

  /** @returns ids of the questions that it displaces. */
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

  /** At most `count`, least asked first, then oldest first. */
  take(count: number): PooledQuestion[] {
    const taken = this.#ready()
      .toSorted((a, b) => a.uses - b.uses)
      .slice(0, count); // stable: of equals the older
    return taken.map(({ question, uses }) => {
      const used = { question, uses: uses + 1 };
      this.#entries.set(question.id, used);
      this.#out.add(question.id);
      return used;
    });
  }

  /** Whether a question of the pool leaves when it is judged so. */
  leaves(id: string, kept: boolean): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && (!kept || entry.uses >= this.#options.maxUses);
  }

  /** A question of the pool was judged: it leaves, or may be asked again. */
  judged(id: string, kept: boolean): void {
    this.#out.delete(id);
    if (this.leaves(id, kept)) this.#entries.delete(id);
  }

  /** A question at `maxUses` only waits for its verdict, which a rollback may have dropped. */
  #ready(): PooledQuestion[] {
    return [...this.#entries.values()].filter(
      ({ question: { id }, uses }) => !this.#out.has(id) && uses < this.#options.maxUses,
    );
  }
}

/** Insertion order is age, so the first of the most asked is the oldest of them. */
function lessUseful(worst: PooledQuestion | undefined, entry: PooledQuestion): PooledQuestion {
  return worst === undefined || entry.uses > worst.uses ? entry : worst;
}
