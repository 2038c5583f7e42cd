/** Accepted questions that wait to be asked: bounded, and on disk before their senders get a reply. */
import type { Question } from 'quorum';
import type { Lines } from '../shared/lines.ts';
import { Refusal } from './refusal.ts';

export interface QueueOptions {
  readonly file: Lines<Question>;
  readonly most: number;
  /** Ends every wait for room. */
  readonly signal: AbortSignal;
  readonly wasAsked: (id: string) => boolean;
}

/** Lines of questions no longer waiting at which the file is rewritten. */
const SPENT = 1000;

export class IntakeQueue {
  readonly #options: QueueOptions;
  #waiting: Question[];
  #wakers: (() => void)[] = [];

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#waiting = options.file.read().filter(({ id }) => !options.wasAsked(id));
    options.file.replace(this.#waiting);
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  get size(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.size >= this.#options.most;
  }

  /** Files of pictures that are still to be asked about. */
  get paths(): ReadonlySet<string> {
    return new Set(
      this.#waiting.flatMap(({ pictures }) => pictures.flatMap((ref) => (ref.type === 'file' ? [ref.path] : []))),
    );
  }

  /** @throws Refusal when it is full or the id is not new. */
  add(question: Question): void {
    if (this.isFull) throw new Refusal(429, `${this.size} questions wait already: try again later`);
    if (this.#options.wasAsked(question.id) || this.#waiting.some(({ id }) => id === question.id)) {
      throw new Refusal(409, `question ${question.id} was given before`);
    }
    const { file } = this.#options;
    if (file.count > 2 * this.size + SPENT) file.replace(this.#waiting);
    file.append([question]);
    this.#waiting.push(question);
  }

  /** Their lines stay in the file: the taker remembers that they were asked. */
  take(count: number): readonly Question[] {
    const taken = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#wake();
    return taken;
  }

  /** Resolves when there is room. */
  async room(): Promise<void> {
    const { signal } = this.#options;
    while (this.isFull && !signal.aborted) await new Promise<void>((resolve) => this.#wakers.push(resolve));
    signal.throwIfAborted();
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }
}
