/** Responses to questions of the ladder, right ones and ones with a fault, for tests and measurements of checks. */
import type { LadderQuestion } from '../../src/data/figures/ladder/family.ts';
import type { Random } from '../../src/data/rng.ts';

export const FAULTS = [
  /** A number is read wrongly, and everything after it is right. */
  'wrong list',
  /** A number is left out of the list and of the steps. */
  'short list',
  'no list',
  /** A sum is wrong, and everything after it follows from it. */
  'wrong sum',
  /** The last steps are missing; the box is the result before them. */
  'stopped early',
  /** A number of the list is in no step. */
  'number skipped',
  'number twice',
  /** The box is right, the step before it is missing. */
  'no last step',
  'no work',
  'wrong box',
  /** One step more, times a number from nowhere. */
  'constant',
] as const;
export type Fault = (typeof FAULTS)[number];

export const rightResponse = ({ working, answer }: LadderQuestion): string => `${working} \\boxed{${answer}}`;

/** Null where the question is too short for the fault. The answer may be right all the same. */
export function faultyResponse(
  { reading, working, answer }: LadderQuestion,
  fault: Fault,
  random: Random,
): string | null {
  const list = reading.split(' ');
  if (list.length < 3) return null;
  const at = random.int(1, list.length - 1);
  // The hours of a clock that go round have a constant of their own.
  const wraps = working.split('=').length > list.length;
  const without = list.toSpliced(at, 1);
  switch (fault) {
    case 'wrong list': {
      const wrong = list.with(at, otherDigit(list[at]!, random));
      return boxed(wrong, stepsOf(wrong));
    }
    case 'short list':
      return boxed(without, stepsOf(without));
    case 'no list':
      return boxed([], stepsOf(list));
    case 'wrong sum':
      return boxed(list, stepsOf(list, random.int(1, list.length - 1)));
    case 'stopped early':
      return boxed(list, stepsOf(list).slice(0, random.int(1, list.length - 2)));
    case 'number skipped':
      return boxed(list, stepsOf(without));
    case 'number twice':
      return boxed(list, stepsOf(list.toSpliced(at, 0, list[at]!)));
    case 'no last step':
      return `${working.split(' ').slice(0, -1).join(' ')} \\boxed{${answer}}`;
    case 'no work':
      return `\\boxed{${answer + random.int(-1, 1)}}`;
    case 'wrong box':
      return `${working} \\boxed{${answer + random.pick([-1, 1])}}`;
    case 'constant':
      return wraps ? null : `${working} ${answer}*2=${answer * 2} \\boxed{${answer * 2}}`;
    default:
      return fault satisfies never;
  }
}

/** @param wrong the step whose sum is wrong by one, from 1. */
function stepsOf(list: readonly string[], wrong = 0): string[] {
  let sum = Number(list[0]);
  return list.slice(1).map((term, i) => {
    const before = sum;
    sum += Number(term) + Number(i + 1 === wrong);
    return `${before}${/^[+-]/.test(term) ? term : `+${term}`}=${sum}`;
  });
}

function otherDigit(term: string, random: Random): string {
  const digit = Math.abs(Number(term));
  const other = digit <= 1 ? 1 - digit : digit === 9 ? 8 : digit + random.pick([-1, 1]);
  return term.replace(/\d+/, String(other));
}

function boxed(list: readonly string[], steps: readonly string[]): string {
  const result = steps.at(-1)?.split('=')[1] ?? '';
  return [...list, ...steps, `\\boxed{${result}}`].join(' ');
}
