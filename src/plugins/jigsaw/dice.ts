/**
 * Draws of a question: they follow from the run's seed and its sequence number, so that a request that is repeated gets
 * the same question.
 */
import { createHash } from 'node:crypto';

/** Whole numbers `0 ..< sides`, one a roll. */
export type Roll = (sides: number) => number;

export function dice(seed: number, sequence: number): Roll {
  let rolls = 0;
  return (sides) => {
    const bits = createHash('sha256').update(`jigsaw/${seed}/${sequence}/${rolls++}`).digest().readUIntBE(0, 6);
    return Math.floor((bits / 2 ** 48) * sides);
  };
}

/** Fisher and Yates. */
export function shuffled<T>(items: readonly T[], roll: Roll): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = roll(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
