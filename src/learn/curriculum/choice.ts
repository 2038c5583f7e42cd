/**
 * Which arms the next questions come from. A question's weight is w^gamma, with w what its group is expected to be
 * worth, and gamma the smallest whole number at which so many of the groups are expected to be learnt from as the target
 * says: the choice is as near to uniform over questions as the target allows. Every few questions the arm with the
 * least evidence has its turn instead, so that no arm starves and a change is noticed.
 */
import type { Remembered } from '../../protocol/curriculum.ts';
import { LASTS, power, type Arm, type Evidence } from './arm.ts';

export interface ChoiceOptions {
  /** Share of the chosen groups that is to be learnt from. */
  readonly target: number;
  /** Share of the questions that goes to the arms with the least evidence. */
  readonly explore: number;
  /** What is left of evidence after one version. */
  readonly keep: number;
}

export interface Choice {
  readonly questions: readonly Remembered[];
  /** Share of the groups that is expected to be learnt from; null without a question. */
  readonly expected: number | null;
}

/** Groups that the mean of all arms with the same last outcome weighs in each of them. */
const PRIOR = 4;
const MOST_GAMMA = 16;

interface Open {
  readonly arm: Arm;
  readonly ready: readonly Remembered[];
  /** That its next group is learnt from. */
  readonly chance: number;
  /** Expected of its next group. */
  readonly worth: number;
  readonly judged: number;
  taken: number;
}

/** @param from sequence number of the first question. @param draw uniform in [0, 1). */
export function choose(
  arms: readonly Arm[],
  { from, count, version }: { readonly from: number; readonly count: number; readonly version: number },
  options: ChoiceOptions,
  draw: () => number,
): Choice {
  const open = opened(arms, version, options.keep);
  const gamma = gammaFor(open, options);
  const weights = open.map(({ worth }) => power(worth, gamma));
  const every = Math.max(1, Math.round(1 / options.explore));
  const questions: Remembered[] = [];
  let expected = 0;
  while (questions.length < count) {
    const explores = (from + questions.length) % every === 0;
    const chosen = explores ? leastKnown(open) : weighted(open, weights, draw());
    if (chosen === undefined) break;
    questions.push(chosen.ready[chosen.taken]!);
    chosen.taken += 1;
    expected += chosen.chance;
  }
  return { questions, expected: questions.length === 0 ? null : expected / questions.length };
}

/** Arms with a question to ask, each with what is expected of its groups. */
function opened(arms: readonly Arm[], version: number, keep: number): readonly Open[] {
  const evidence = arms.map((arm) => arm.evidence(version, keep));
  const means = new Map(
    LASTS.map((last) => [last, meanOf(evidence.filter((_, i) => arms[i]!.last === last))] as const),
  );
  return arms.flatMap((arm, i): readonly Open[] => {
    const ready = arm.ready(version);
    if (ready.length === 0) return [];
    const { judged, learnt, worth } = evidence[i]!;
    const mean = means.get(arm.last)!;
    const expected = (own: number, others: number) => (own + PRIOR * others) / (judged + PRIOR);
    return [
      {
        arm,
        ready,
        judged,
        chance: expected(learnt, mean.learnt),
        worth: expected(worth, mean.worth),
        taken: 0,
      },
    ];
  });
}

/** For one group; a half where nothing is known. */
function meanOf(all: readonly Evidence[]): { readonly learnt: number; readonly worth: number } {
  let [judged, learnt, worth] = [2, 1, 1];
  for (const each of all) [judged, learnt, worth] = [judged + each.judged, learnt + each.learnt, worth + each.worth];
  return { learnt: learnt / judged, worth: worth / judged };
}

/** Counts the share that explores as a visit to any arm. */
function gammaFor(open: readonly Open[], { target, explore }: ChoiceOptions): number {
  const exploring = open.reduce((sum, { chance }) => sum + chance, 0) / Math.max(1, open.length);
  for (let gamma = 0; gamma < MOST_GAMMA; gamma++) {
    let [all, learnt] = [0, 0];
    for (const { ready, chance, worth } of open) {
      const weight = ready.length * power(worth, gamma);
      all += weight;
      learnt += weight * chance;
    }
    if ((1 - explore) * (learnt / all) + explore * exploring >= target) return gamma;
  }
  return MOST_GAMMA;
}

function leastKnown(open: readonly Open[]): Open | undefined {
  let least: Open | undefined;
  for (const each of open) {
    if (each.taken === each.ready.length) continue;
    if (least === undefined || each.judged + each.taken < least.judged + least.taken) least = each;
  }
  return least;
}

function weighted(open: readonly Open[], weights: readonly number[], draw: number): Open | undefined {
  let total = 0;
  for (const [i, { ready, taken }] of open.entries()) total += (ready.length - taken) * weights[i]!;
  let rest = draw * total;
  let last: Open | undefined;
  for (const [i, each] of open.entries()) {
    if (each.taken === each.ready.length) continue;
    last = each;
    rest -= (each.ready.length - each.taken) * weights[i]!;
    if (rest < 0) break;
  }
  return last;
}
