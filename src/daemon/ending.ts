/**
 * Decides why a daemon ends by itself: its steps are done, `loop.stopWhen` holds, or a plug-in asks for it. The first
 * reason counts.
 */
import type { Config } from '../config/schema.ts';
import type { LoopEvent } from '../protocol/ports.ts';
import type { Report } from '../protocol/status.ts';
import type { Store } from '../store/store.ts';
import type { StopWhen } from './stop-when.ts';

export interface Ended {
  readonly end: Report['end'];
  /** In words; absent if `end` says everything. */
  readonly reason?: string;
}

const LONGEST_REASON = 500;

export class Ending {
  readonly #limits: Pick<Config['loop'], 'steps' | 'questions'>;
  readonly #store: Pick<Store, 'counts'>;
  readonly #stopWhen: Pick<StopWhen, 'tell' | 'reason'> | undefined;
  #asked: Ended | undefined;

  constructor(
    limits: Pick<Config['loop'], 'steps' | 'questions'>,
    store: Pick<Store, 'counts'>,
    stopWhen: Pick<StopWhen, 'tell' | 'reason'> | undefined,
  ) {
    this.#limits = limits;
    this.#store = store;
    this.#stopWhen = stopWhen;
    this.#look();
  }

  tell(event: LoopEvent): void {
    this.#stopWhen?.tell(event);
    if (event.type !== 'judged') this.#look();
  }

  /** A plug-in asks for the end. */
  ask(plugin: string, reason: string): void {
    const words = reason.replace(/\s+/g, ' ').trim().slice(0, LONGEST_REASON);
    this.#asked ??= { end: 'plugin', reason: `plug-in ${plugin}: ${words || 'it gave no reason'}` };
  }

  /** Undefined as long as the run is to continue. */
  due(version: number): Ended | undefined {
    if (this.#asked) return this.#asked;
    const { steps, questions } = this.#limits;
    const isDone = version >= (steps ?? Infinity) || (questions !== null && this.#store.counts().sampled >= questions);
    return isDone ? { end: 'steps' } : undefined;
  }

  #look(): void {
    const reason = this.#stopWhen?.reason;
    if (reason !== undefined) this.#asked ??= { end: 'condition', reason: `loop.stopWhen: ${reason}` };
  }
}
