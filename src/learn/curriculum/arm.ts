/**
 * An arm holds the questions of one cluster whose last group had the same outcome, and the evidence of what asking one
 * of them brings. Evidence fades with the policy's versions: it describes a policy that has changed since.
 */
import type { ArmRow, Last, Outcome, Remembered } from '../../protocol/curriculum.ts';

export const LASTS: readonly Last[] = ['fresh', 'retired', 'known', 'sure', 'split', 'near', 'lost'];

/**
 * What a group teaches: nothing where there is nothing to learn from. Its spread s(1 - s), for the share s of its
 * winner, is about half as large where few responses differ, and soon they agree.
 */
const WORTH: Readonly<Record<Outcome, number>> = { known: 0, sure: 0.5, split: 1, near: 0, lost: 0 };

export type Evidence = Pick<ArmRow, 'judged' | 'learnt' | 'worth'>;

export class Arm {
  readonly cluster: string;
  readonly last: Last;
  readonly #questions: Remembered[] = [];
  #row: Omit<ArmRow, 'cluster' | 'last'> = { judged: 0, learnt: 0, worth: 0, version: 0, asked: 0, kept: 0 };

  constructor(cluster: string, last: Last) {
    this.cluster = cluster;
    this.last = last;
  }

  get size(): number {
    return this.#questions.length;
  }

  get row(): ArmRow {
    return { cluster: this.cluster, last: this.last, ...this.#row };
  }

  restore({ cluster: _cluster, last: _last, ...row }: ArmRow): void {
    this.#row = row;
  }

  /** In the order in which they were asked last, whatever order they come in. */
  put(question: Remembered): void {
    let at = this.#questions.length;
    while (at > 0 && this.#questions[at - 1]!.turn > question.turn) at -= 1;
    this.#questions.splice(at, 0, question);
  }

  take(id: string): Remembered | undefined {
    const at = this.#questions.findIndex((each) => each.id === id);
    return at < 0 ? undefined : this.#questions.splice(at, 1)[0];
  }

  /** Those that an earlier version than `version` answered: the same version gives the same responses again. */
  ready(version: number): readonly Remembered[] {
    let end = this.#questions.length;
    while (end > 0 && this.#questions[end - 1]!.version >= version) end -= 1;
    return end === this.#questions.length ? this.#questions : this.#questions.slice(0, end);
  }

  /** @param keep what is left of evidence after one version. */
  evidence(version: number, keep: number): Evidence {
    const left = power(keep, Math.max(0, version - this.#row.version));
    const { judged, learnt, worth } = this.#row;
    return { judged: judged * left, learnt: learnt * left, worth: worth * left };
  }

  count(group: { readonly outcome: Outcome; readonly kept: boolean; readonly version: number }, keep: number): void {
    const { judged, learnt, worth } = this.evidence(group.version, keep);
    const { asked, kept, version } = this.#row;
    const own = WORTH[group.outcome];
    this.#row = {
      judged: judged + 1,
      learnt: learnt + Number(own > 0),
      worth: worth + own,
      version: Math.max(group.version, version),
      asked: asked + 1,
      kept: kept + Number(group.kept),
    };
  }
}

/** Products only, so that every platform gives the same bits. @param exponent a whole number >= 0. */
export function power(base: number, exponent: number): number {
  let [result, square] = [1, base];
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
