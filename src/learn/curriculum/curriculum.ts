/**
 * A curriculum without labels: it remembers of each question how its last group was judged, and learns of each cluster
 * of questions what asking one brings, by that last outcome. Questions that are known retire with their arm, which has
 * its turn now and then, so that forgetting shows. All it knows comes from verdicts.
 */
import type { ArmRow, Last, Outcome, Remembered } from '../../protocol/curriculum.ts';
import { Arm, LASTS } from './arm.ts';
import { choose, type Choice } from './choice.ts';

export interface CurriculumOptions {
  /** See `ChoiceOptions`. */
  readonly target: number;
  readonly explore: number;
  /** Versions after which evidence counts half. */
  readonly halfLife: number;
  /** Questions that it remembers, at most. */
  readonly most: number;
}

export interface CurriculumRows {
  readonly questions: readonly Remembered[];
  readonly arms: readonly ArmRow[];
}

/** A judged group of a question that the curriculum remembers. */
export interface JudgedQuestion {
  readonly id: string;
  readonly sequence: number;
  readonly version: number;
  readonly outcome: Outcome;
  readonly kept: boolean;
}

/** Questions read for each question asked, while the source has new ones. */
export const READ_AHEAD = 4;

/** Clusters, at most; later ones share one. */
export const MOST_CLUSTERS = 256;
export const OTHER = 'other';

const KNOWN: ReadonlySet<Last> = new Set(['known', 'retired']);

export class Curriculum {
  readonly #options: CurriculumOptions;
  readonly #keep: number;
  readonly #arms = new Map<string, readonly Arm[]>();
  /** By name of the cluster: an order that a restart finds again. */
  #sorted: readonly Arm[] = [];
  readonly #at = new Map<string, Arm>();
  /** Being asked: how often, and what is remembered of it. */
  readonly #out = new Map<string, { readonly question: Remembered; readonly times: number }>();
  #expected: number | null = null;

  /** @param asked ids of questions that are being asked. */
  constructor(options: CurriculumOptions, stored: CurriculumRows, asked: readonly string[] = []) {
    this.#options = options;
    // 2^(-1 / halfLife) within 3 %, by arithmetic that gives the same bits on every machine (Padé approximant of exp).
    const half = Math.LN2 / 2;
    this.#keep = (options.halfLife - half) / (options.halfLife + half);
    for (const row of stored.arms) this.#arm(row.cluster, row.last).restore(row);
    for (const question of stored.questions.toSorted((a, b) => a.turn - b.turn)) this.#put(question);
    this.admitted(asked);
  }

  get size(): number {
    return this.#at.size;
  }

  /** Share of the questions chosen last whose groups are expected to be learnt from; null before the first choice. */
  get expected(): number | null {
    return this.#expected;
  }

  has(id: string): boolean {
    return this.#at.has(id);
  }

  /** The arms of one cluster after those of another. */
  get arms(): readonly Arm[] {
    return this.#sorted;
  }

  /** Questions that are being asked. */
  get out(): readonly Remembered[] {
    return [...this.#out.values()].map(({ question }) => question);
  }

  /**
   * Remembers a new question. @returns it, and the question that it displaces, if any: of the largest arm of retired ones
   * that which was asked the longest ago. Undefined while there is no room.
   */
  add(
    id: string,
    cluster: string,
    turn: number,
  ): { readonly added: Remembered; readonly displaced?: string | undefined } | undefined {
    const displaced = this.size < this.#options.most ? undefined : this.#longestRetired();
    if (displaced === undefined && this.size >= this.#options.most) return undefined;
    if (displaced !== undefined) this.#at.get(displaced)!.take(displaced);
    if (displaced !== undefined) this.#at.delete(displaced);
    const added: Remembered = { id, cluster: this.#clusterFor(cluster), last: 'fresh', turn, version: -1 };
    this.#put(added);
    return { added, displaced };
  }

  /** Changes nothing: the same arguments after the same verdicts give the same questions, at least one if it has any. */
  choose(
    request: { readonly from: number; readonly count: number; readonly version: number },
    draw: () => number,
  ): Choice {
    const choice = choose(this.arms, request, { ...this.#options, keep: this.#keep }, draw);
    if (choice.questions.length > 0) return choice;
    const idle = this.arms.flatMap((arm) => arm.ready(Infinity));
    const pool = idle.length > 0 ? idle : this.out;
    const longest = pool.reduce<Remembered | undefined>(
      (a, b) => (a === undefined || b.turn < a.turn ? b : a),
      undefined,
    );
    return { questions: longest === undefined ? [] : [longest], expected: null };
  }

  /** These questions are being asked. Others than its own are ignored. */
  admitted(ids: readonly string[], expected: number | null = this.#expected): void {
    this.#expected = expected;
    for (const id of ids) {
      const out = this.#out.get(id);
      const question = out?.question ?? this.#at.get(id)?.take(id);
      if (question !== undefined) this.#out.set(id, { question, times: (out?.times ?? 0) + 1 });
    }
  }

  /** @returns what changed, for the store; undefined of a question that is not its own. */
  judged(group: JudgedQuestion): { readonly question: Remembered; readonly arm: ArmRow } | undefined {
    const asked = this.#at.get(group.id);
    if (asked === undefined) return undefined;
    const { id, sequence: turn, version, outcome, kept } = group;
    const last = outcome === 'known' && KNOWN.has(asked.last) ? 'retired' : outcome;
    asked.count({ outcome, kept, version }, this.#keep);
    const question: Remembered = { id, cluster: asked.cluster, last, turn, version };
    const out = this.#out.get(id);
    if (out === undefined) asked.take(id);
    this.#out.delete(id);
    if (out !== undefined && out.times > 1) {
      this.#at.set(id, this.#arm(asked.cluster, last));
      this.#out.set(id, { question, times: out.times - 1 });
    } else this.#put(question);
    return { question, arm: asked.row };
  }

  #put(question: Remembered): void {
    const arm = this.#arm(question.cluster, question.last);
    this.#at.set(question.id, arm);
    arm.put(question);
  }

  #arm(cluster: string, last: Last): Arm {
    let arms = this.#arms.get(cluster);
    if (arms === undefined) {
      arms = LASTS.map((each) => new Arm(cluster, each));
      this.#arms.set(cluster, arms);
      this.#sorted = [...this.#arms.keys()].toSorted(byCode).flatMap((name) => this.#arms.get(name)!);
    }
    return arms[LASTS.indexOf(last)]!;
  }

  #clusterFor(cluster: string): string {
    return this.#arms.has(cluster) || this.#arms.size < MOST_CLUSTERS ? cluster : OTHER;
  }

  #longestRetired(): string | undefined {
    const retired = this.arms.filter(({ last }) => last === 'retired');
    const largest = retired.reduce<Arm | undefined>((a, b) => (a === undefined || b.size > a.size ? b : a), undefined);
    return largest?.ready(Infinity)[0]?.id;
  }
}

function byCode(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
