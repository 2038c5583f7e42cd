/**
 * Judged groups in, windows out. Verdicts arrive in any order; windows are cut in admission order, so the groups of a
 * batch never depend on which finished first. A window closes at `batchGroups` kept groups, or smaller after
 * `maxJudged` judged ones or before groups sampled in another way.
 */
import type { JudgedGroup } from '../src/protocol/messages.ts';

/** A closed window: the groups of one batch, in admission order. `through` is the last sequence number it consumed. */
export interface Window {
  readonly groups: readonly JudgedGroup[];
  readonly judged: number;
  readonly through: number;
}

export interface BatcherOptions {
  readonly batchGroups: number;
  /** Judged groups, kept or not, after which a window closes with what it has. */
  readonly maxJudged: number;
  /** First sequence number that no window has consumed. */
  readonly next: number;
  /** Whether no window may hold groups on both sides of `sequence`, which is the later side; default: nowhere. */
  readonly isCut?: (sequence: number) => boolean;
}

export class Batcher {
  readonly #options: BatcherOptions;
  /** By sequence; undefined for a dropped group. */
  readonly #early = new Map<number, JudgedGroup | undefined>();
  #next: number;
  #judged = 0;
  #kept: JudgedGroup[] = [];

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#next = options.next;
  }

  /** First sequence number that is not yet judged or that waits for an earlier one. */
  get next(): number {
    return this.#next;
  }

  /** Judged groups that wait for an earlier one. */
  get early(): number {
    return this.#early.size;
  }

  get kept(): number {
    return this.#kept.length;
  }

  /** Fewest further groups, in order, that can close the open window. */
  get shortestClose(): number {
    return Math.min(this.#options.batchGroups - this.#kept.length, this.#options.maxJudged - this.#judged);
  }

  /**
   * Takes one verdict, without `kept` for a dropped group; returns the windows that it closes, usually none. @throws
   * when it was taken before.
   */
  add(sequence: number, kept: JudgedGroup | undefined): Window[] {
    if (sequence < this.#next || this.#early.has(sequence))
      throw new Error(`the group of admission ${sequence} was judged twice`);
    this.#early.set(sequence, kept);
    const closed: Window[] = [];
    while (this.#early.has(this.#next)) {
      const head = this.#early.get(this.#next);
      this.#early.delete(this.#next);
      this.#next += 1;
      this.#judged += 1;
      if (head !== undefined) this.#kept.push(head);
      if (this.shortestClose === 0) closed.push(this.#close());
      else closed.push(...this.cut());
    }
    return closed;
  }

  /** Closes the open window where a cut is due, or anywhere when `now`; a window without a kept group stays open. */
  cut(now = this.#options.isCut?.(this.#next) === true): Window[] {
    return now && this.#kept.length > 0 ? [this.#close()] : [];
  }

  #close(): Window {
    const window = { groups: this.#kept, judged: this.#judged, through: this.#next - 1 };
    this.#kept = [];
    this.#judged = 0;
    return window;
  }
}
