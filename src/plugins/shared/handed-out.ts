/**
 * The questions that a source has handed out, by sequence number, kept in the plug-in's folder: after a kill the loop
 * asks again for the numbers of unfinished groups and must get the same questions.
 */
import { join } from 'node:path';
import type { Ask, Question } from 'quorum';
import { Lines } from './lines.ts';

/** How many newest sequence numbers keep their questions: more than a loop has under way. */
const KEPT = 10_000;
/** Ids kept of questions handed out earlier. */
const MOST_IDS = 1_000_000;

type Line = { readonly sequence: number; readonly question: Question } | { readonly id: string };

export class HandedOut {
  readonly #file: Lines<Line>;
  readonly #questions = new Map<number, Question>();
  readonly #ids = new Set<string>();

  constructor(folder: string) {
    this.#file = new Lines(join(folder, 'handed-out.jsonl'));
    for (const line of this.#file.read()) {
      if ('id' in line) this.#ids.add(line.id);
      else this.#note(line.sequence, line.question);
    }
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Calls `fresh` for the numbers without a question yet. */
  remembering(fresh: Ask): Ask {
    return async ({ from, count }, signal) => {
      const again: Question[] = [];
      for (
        let question = this.#questions.get(from);
        question && again.length < count;
        question = this.#questions.get(from + again.length)
      ) {
        again.push(question);
      }
      if (again.length > 0) return again;
      let unknown = 1;
      while (unknown < count && !this.#questions.has(from + unknown)) unknown++;
      const questions = await fresh({ from, count: unknown }, signal);
      this.#file.append(questions.map((question, i) => ({ sequence: from + i, question })));
      questions.forEach((question, i) => this.#note(from + i, question));
      this.#compact();
      return questions;
    };
  }

  #note(sequence: number, question: Question): void {
    this.#questions.set(sequence, question);
    this.#ids.add(question.id);
    dropOldest(this.#questions, KEPT);
    dropOldest(this.#ids, MOST_IDS);
  }

  #compact(): void {
    if (this.#file.count <= 2 * (this.#ids.size + KEPT)) return;
    const ids = [...this.#ids].map((id) => ({ id }));
    const whole = [...this.#questions].map(([sequence, question]) => ({ sequence, question }));
    this.#file.replace([...ids, ...whole]);
  }
}

/** First in, first out. */
function dropOldest<Key>(collection: Map<Key, unknown> | Set<Key>, most: number): void {
  for (const key of collection.keys()) {
    if (collection.size <= most) return;
    collection.delete(key);
  }
}
