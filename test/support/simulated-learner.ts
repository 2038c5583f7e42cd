/**
 * A learner without a network: a chance of the right answer for each family and level of question, which rises with
 * groups that are learnt from and whose majority is right, and falls with those whose majority is wrong. What it learns
 * at one level helps at the levels beside it. Wrong answers scatter, so votes on what is too hard are split.
 */
import { Random } from '../../src/data/rng.ts';
import { verdictOf } from '../../src/learn/judge.ts';
import type { Verdict } from '../../src/protocol/messages.ts';

export const LEVELS = 12;
const SAMPLES = 10;
/** Wrong answers that compete. */
const WRONG = 6;
const OPTIONS = { normaliseStd: true, dropAllAgree: true, dropNoBox: true, shareFloor: 0.6 };

export interface SimulatedQuestion {
  readonly id: string;
  readonly family: number;
  /** 1..LEVELS. */
  readonly level: number;
  /** How much harder than its level it is, in logits. */
  readonly own: number;
}

export interface Simulation {
  readonly families?: number;
  readonly questions?: number;
  readonly seed?: number;
  /** Logit of level 0, and what it loses with each level. */
  readonly start?: number;
  readonly slope?: number;
}

export class SimulatedLearner {
  readonly questions: readonly SimulatedQuestion[];
  readonly #logits: number[][];
  readonly #seed: number;

  constructor({ families = 5, questions = 4_000, seed = 0, start = 3, slope = 0.6 }: Simulation = {}) {
    this.#seed = seed;
    this.#logits = Array.from({ length: families }, () =>
      Array.from({ length: LEVELS }, (_, level) => start - slope * (level + 1)),
    );
    this.questions = Array.from({ length: questions }, (_, i): SimulatedQuestion => {
      const random = new Random(seed, 'simulated question', i);
      return { id: `q${i}`, family: i % families, level: random.int(1, LEVELS), own: 0.7 * random.normal() };
    });
  }

  /** Mean chance of the right answer. */
  get accuracy(): number {
    return this.questions.reduce((sum, each) => sum + this.#chance(each), 0) / this.questions.length;
  }

  #chance({ family, level, own }: SimulatedQuestion): number {
    return 1 / (1 + Math.exp(own - this.#logits[family]![level - 1]!));
  }

  /** The verdict on a group of it; the same for the same version. */
  ask(question: SimulatedQuestion, version: number): { readonly verdict: Verdict; readonly isRight: boolean } {
    const random = new Random(this.#seed, 'simulated answers', question.id, version);
    const chance = this.#chance(question);
    const answers = Array.from({ length: SAMPLES }, () => (random.chance(chance) ? 0 : random.int(1, WRONG)));
    const seen = [...new Set(answers)];
    const verdict = verdictOf(
      question.id,
      answers.map(String),
      answers.map((answer) => seen.indexOf(answer)),
      OPTIONS,
    );
    return { verdict, isRight: seen[verdict.winner] === 0 };
  }

  learn(question: SimulatedQuestion, isRight: boolean): void {
    const { family, level } = question;
    const chance = this.#chance(question);
    const push = 0.2 * (isRight ? 1 : -1) * chance * (1 - chance);
    for (const [away, part] of [1, 0.5, 0.2].entries()) {
      for (const at of away === 0 ? [level] : [level - away, level + away]) {
        if (at >= 1 && at <= LEVELS) this.#logits[family]![at - 1]! += push * part;
      }
    }
  }

  /** Everything that it knows of a family is as at the start, or worse. */
  forget(family: number, by: number): void {
    this.#logits[family] = this.#logits[family]!.map((logit) => logit - by);
  }
}
