/** The check `equations`: every equation that a response writes is true. */
import type { CheckFinding } from '../../protocol/messages.ts';
import { equivalent } from '../equivalence/index.ts';
import type { Formula } from './formula.ts';
import { agree, valueOf, wordsOf } from './value.ts';
import { isQuestioned, readWork, TOO_LONG, type Step } from './work.ts';

/** @param response the whole text of it. */
export function checkEquations(response: string): CheckFinding {
  const work = readWork(response);
  if (!work) return { vote: null, why: TOO_LONG };
  let checked = false;
  for (const step of work.steps) {
    for (const [a, b] of neighbours(step.sides)) {
      const truth = holds(a, b, step);
      if (truth === false)
        return {
          vote: false,
          why: `${textOf(a, step)} is ${resultOf(a)}, not ${textOf(b, step)}`,
          step: step.text,
          falseFrom: work.offset + a.start,
        };
      checked ||= truth === true;
    }
  }
  return checked ? { vote: true } : { vote: null, why: 'it has no equation to check' };
}

/** Sides that the calculator reads, in pairs. */
function neighbours(sides: readonly Formula[]): [Formula, Formula][] {
  const read = sides.filter(({ readable }) => readable);
  return read.slice(1).map((side, i) => [read[i]!, side]);
}

/** Null where it cannot be said. */
function holds(a: Formula, b: Formula, step: Step): boolean | null {
  // A name and its value: `angle 1 = 50°`.
  if (!a.calculates && !b.calculates && step.sides.length === 2) return null;
  const truth = agree(a.spelt, b.spelt, b.relation);
  if (truth !== false) return truth;
  const units = new Set([...a.units, ...b.units]);
  if (units.size > 0 && equivalent(textOf(a, step), textOf(b, step))) return true;
  return isQuestioned(step) || a.doubtful || b.doubtful || units.size > 1 ? null : false;
}

const textOf = (side: Formula, { text, start }: Step): string => text.slice(side.start - start, side.end - start);
const resultOf = ({ spelt }: Formula): string => wordsOf(valueOf(spelt));
