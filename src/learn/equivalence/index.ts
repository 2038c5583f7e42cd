/**
 * Are two answers the same? `equivalentPlain` decides what exact rational arithmetic and structure can, in microseconds, and says null for
 * the rest; `equivalent` decides all.
 */
import { sameValue, type Leaves } from './compare.ts';
import { sameExact, sameExpression, sameZeros } from './evaluate.ts';
import { interpret } from './interpret.ts';
import type { Value } from './value.ts';

class Undecided extends Error {}

const undecided = (): never => {
  throw new Undecided();
};

const PLAIN: Leaves = { same: (a, b) => sameExact(a, b) ?? undecided(), sameZeros: undecided };
const FULL: Leaves = { same: sameExpression, sameZeros };

export { interpret };

/** True, false, or null when it takes more than exact arithmetic. */
export function equivalentPlain(a: string, b: string): boolean | null {
  if (a.trim() === b.trim()) return true;
  return samePlain(interpret(a), interpret(b));
}

/** As `equivalentPlain`, of answers already read. */
export function samePlain(a: Value, b: Value): boolean | null {
  try {
    return sameValue(a, b, PLAIN);
  } catch (error) {
    if (error instanceof Undecided) return null;
    throw error;
  }
}

export function equivalent(a: string, b: string): boolean {
  return a.trim() === b.trim() || sameValue(interpret(a), interpret(b), FULL);
}
