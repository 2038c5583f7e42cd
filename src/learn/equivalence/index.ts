/**
 * Decides whether two answers are equal. `samePlain` decides by exact rational arithmetic and structure, in
 * microseconds, and returns null for the rest; `equivalent` decides all.
 */
import { sameValue, type Leaves } from './compare.ts';
import { sameExact, sameExpression, sameZeros } from './evaluate.ts';
import { areOpposite } from './direction.ts';
import { interpret, type Answer } from './interpret.ts';

class Undecided extends Error {}

const undecided = (): never => {
  throw new Undecided();
};

const PLAIN: Leaves = { same: (a, b) => sameExact(a, b) ?? undecided(), sameZeros: undecided };
const FULL: Leaves = { same: sameExpression, sameZeros };

export { interpret, type Answer };

/** True, false, or null when it takes more than exact arithmetic. */
export function samePlain(a: Answer, b: Answer): boolean | null {
  if (a.folded === b.folded) return true;
  if (areOpposite(a.folded, b.folded)) return false;
  try {
    return sameValue(a.value, b.value, PLAIN);
  } catch (error) {
    if (error instanceof Undecided) return null;
    throw error;
  }
}

export function equivalent(a: string, b: string): boolean {
  const x = interpret(a);
  const y = interpret(b);
  return x.folded === y.folded || (!areOpposite(x.folded, y.folded) && sameValue(x.value, y.value, FULL));
}
