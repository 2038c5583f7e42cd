/**
 * Signs that self-agreement stops meaning correctness, from verdicts alone (no labels): vote share and answer concentration rise, distinct
 * answers and response length fall (SRT, arXiv 2505.21444, reports one constant answer in the end). A window of the last groups: bounded memory.
 */
import type { RolloutGroup, Verdict } from '../protocol/messages.ts';

export interface Signals {
  /** Groups in the window. */
  readonly groups: number;
  /** Mean vote share. */
  readonly share: number;
  /** Share of different questions whose winning answer is the most common one; 1 / groups when all differ, 1 in full collapse. */
  readonly concentration: number;
  /** Mean number of distinct answers (classes) in a group. */
  readonly distinctAnswers: number;
  /** Share of responses without an answer. */
  readonly silent: number;
  /** Mean tokens in a response. */
  readonly responseTokens: number;
}

interface Entry {
  readonly questionId: string;
  readonly answer: string | null;
  readonly share: number;
  readonly distinct: number;
  readonly silent: number;
  readonly tokens: number;
}

/** Longest text of a winning answer that is kept. */
const MAX_KEPT_CHARS = 80;

export class SignalWindow {
  private readonly capacity: number;
  private entries: Entry[] = [];
  private next = 0;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`a signal window needs a capacity of 1 or more, got ${capacity}`);
    this.capacity = capacity;
  }

  add(group: RolloutGroup, verdict: Verdict): void {
    const size = Math.max(1, verdict.classes.length);
    const winner = verdict.winner < 0 ? null : (verdict.answers[verdict.classes.indexOf(verdict.winner)] ?? null);
    this.entries[this.next] = {
      questionId: group.question.id,
      answer: winner?.replace(/\s+/g, '').slice(0, MAX_KEPT_CHARS).toLowerCase() ?? null,
      share: verdict.share,
      distinct: new Set(verdict.classes.filter((c) => c >= 0)).size,
      silent: verdict.classes.filter((c) => c < 0).length / size,
      tokens: group.samples.reduce((sum, sample) => sum + sample.tokens.length, 0) / size,
    };
    this.next = (this.next + 1) % this.capacity;
  }

  /** All zeros while the window is empty. */
  read(): Signals {
    const mean = (of: (entry: Entry) => number): number => this.entries.reduce((sum, entry) => sum + of(entry), 0) / Math.max(1, this.entries.length);
    return {
      groups: this.entries.length,
      share: mean((entry) => entry.share),
      concentration: this.concentration(),
      distinctAnswers: mean((entry) => entry.distinct),
      silent: mean((entry) => entry.silent),
      responseTokens: mean((entry) => entry.tokens),
    };
  }

  /** A question that comes again counts once, with its newest answer. */
  private concentration(): number {
    const inOrder = [...this.entries.slice(this.next), ...this.entries.slice(0, this.next)];
    const newest = new Map(inOrder.filter((entry) => entry.answer !== null).map((entry) => [entry.questionId, entry.answer]));
    const tally = new Map<string | null, number>();
    for (const answer of newest.values()) tally.set(answer, (tally.get(answer) ?? 0) + 1);
    return newest.size === 0 ? 0 : Math.max(...tally.values()) / newest.size;
  }
}
