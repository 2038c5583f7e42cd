/**
 * The check `premises`: what a response lists as read off the picture is what most answers to "read the picture" say.
 * Reading alone is easier than reading and working out, so its majority is more often right.
 */
import type { CheckFinding } from '../../protocol/messages.ts';
import type { Operand } from './formula.ts';
import { listIn, readWork, type Work } from './work.ts';

/**
 * @param readings texts of the same model's responses to the request to read the picture and answer nothing; those that
 *   are no list do not count.
 */
export function checkPremises(response: string, readings: readonly string[]): CheckFinding {
  const work = readWork(response);
  if (!work || work.premises.length === 0) return { vote: null, why: 'it does not list what it reads' };
  const own = spelt(work.premises);
  const lists = readings.map((text) => spelt(listIn(text) ?? [])).filter(({ length }) => length > 0);
  if (lists.length === 0) return { vote: null, why: 'no reading of the picture is a list' };
  const same = lists.filter((list) => list.length === own.length && agreed(own, list) === own.length).length;
  if (2 * same > lists.length) return { vote: true };
  const why = `${same} of ${lists.length} readings of the picture are its list`;
  return { vote: false, why, falseFrom: falseFrom(work, own, lists) };
}

/** Offset of the first number that most readings do not have there; of the list's end where it is only too short. */
function falseFrom({ premises, offset }: Work, own: readonly string[], lists: readonly (readonly string[])[]): number {
  const wrong = premises.findIndex((_, i) => 2 * lists.filter((list) => agreed(own, list) > i).length <= lists.length);
  return offset + (premises[wrong]?.start ?? premises.at(-1)?.end ?? 0);
}

/** Numbers of `own` before the first in which the lists differ. */
function agreed(own: readonly string[], list: readonly string[]): number {
  const other = own.findIndex((number, i) => number !== list[i]);
  return other < 0 ? own.length : other;
}

/** The numbers that a response lists before its first step, such as `5 +8 -6`; null where it lists none. */
export function premisesOf(response: string): string | null {
  return spelt(readWork(response)?.premises ?? []).join(' ') || null;
}

const spelt = (list: readonly Operand[]): string[] => list.map(({ sign, number }) => sign + String(Number(number)));
