/**
 * The check `premises`: what a response lists as read off the picture is what most answers to "read the picture" say.
 * Reading alone is easier than reading and working out, so its majority is more often right.
 */
import type { CheckFinding } from '../../protocol/messages.ts';
import type { Operand } from './formula.ts';
import { listIn, readWork } from './work.ts';

/**
 * @param readings texts of the same model's responses to the request to read the picture and answer nothing; those that
 *   are no list do not count.
 */
export function checkPremises(response: string, readings: readonly string[]): CheckFinding {
  const own = premisesOf(response);
  if (own === null) return { vote: null, why: 'it does not list what it reads' };
  const lists = readings.flatMap((text) => words(listIn(text.trim()) ?? []) ?? []);
  if (lists.length === 0) return { vote: null, why: 'no reading of the picture is a list' };
  const same = lists.filter((list) => list === own).length;
  if (2 * same > lists.length) return { vote: true };
  return { vote: false, why: `${same} of ${lists.length} readings of the picture are its list` };
}

/** The numbers that a response lists before its first step, such as `5 +8 -6`; null where it lists none. */
export function premisesOf(response: string): string | null {
  return words(readWork(response)?.premises ?? []);
}

const words = (list: readonly Operand[]): string | null =>
  list.map(({ sign, number }) => sign + String(Number(number))).join(' ') || null;
