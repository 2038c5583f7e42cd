/**
 * Whether the work of those responses to a canary that agree holds together. Agreement cannot show that a policy comes
 * to agree on broken work. The built-in checks are asked, whether or not the run applies them to its votes. What all
 * responses to a question leave out they cannot see: the length of the responses shows it (probe.ts).
 */
import { checkEquations } from '../learn/checks/equations.ts';
import { checkWhole } from '../learn/checks/whole.ts';

export interface Soundness {
  /** Agreeing responses in which there was something to check. */
  readonly checked: number;
  /** Of these, those whose work does not hold. */
  readonly unsound: number;
}

/** Fewer checked responses say nothing. */
const FEWEST = 32;

/** @param classes parallel to the responses to one question @param winner the class that the majority gives. */
export function soundnessOf(responses: readonly string[], classes: readonly number[], winner: number): Soundness {
  const whole = checkWhole(responses);
  const votes = responses.flatMap((response, i) => {
    if (winner < 0 || classes[i] !== winner) return [];
    const both = [checkEquations(response).vote, whole[i]!.vote];
    return both.includes(false) ? [false] : both.includes(true) ? [true] : [];
  });
  return {
    checked: votes.length,
    unsound: votes.filter((holds) => !holds).length,
  };
}

/** Share of unsound responses over all canaries; undefined where too little could be checked. */
export function unsoundShare(of: readonly Soundness[]): number | undefined {
  const checked = of.reduce((sum, each) => sum + each.checked, 0);
  return checked < FEWEST ? undefined : of.reduce((sum, each) => sum + each.unsound, 0) / checked;
}
