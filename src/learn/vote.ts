/**
 * Majority vote over equivalence classes (MM-UPT, arXiv 2505.22453, section 3): the pseudo-label is what most samples
 * agree on.
 */

import type { Checked, Verdict } from '../protocol/messages.ts';

/** Class of a response without a vote: it has no answer, or a check denies it the vote. */
export const NO_ANSWER = -1;

export interface Vote {
  /** Class with most votes, ties to the class seen first; -1 without a vote. */
  readonly winner: number;
  /** Votes for the winner. */
  readonly votes: number;
  /** Votes for the winner / G, where G includes responses without a vote; 0 for an empty group. */
  readonly share: number;
  /** Responses without an answer. */
  readonly silent: number;
  /** Responses with an answer whose vote a check took. */
  readonly lost: number;
  /** 1 for a vote for the winner, else 0. */
  readonly rewards: readonly number[];
}

/**
 * `classes[i]` is the equivalence class that response i votes for, -1 without a vote.
 * @param before classes of the answers, before checks took votes; -1 without an answer.
 */
export function majorityVote(classes: readonly number[], before: readonly number[] = classes): Vote {
  // A Map keeps insertion order, so the first of the largest was seen first.
  const tally = new Map<number, number>();
  for (const c of classes) if (c !== NO_ANSWER) tally.set(c, (tally.get(c) ?? 0) + 1);
  let winner = NO_ANSWER;
  let votes = 0;
  for (const [c, count] of tally) {
    if (count > votes) [winner, votes] = [c, count];
  }
  const silent = before.filter((c) => c === NO_ANSWER).length;
  return {
    winner,
    votes,
    share: classes.length === 0 ? 0 : votes / classes.length,
    silent,
    lost: classes.filter((c) => c === NO_ANSWER).length - silent,
    rewards: classes.map((c) => (c !== NO_ANSWER && c === winner ? 1 : 0)),
  };
}

export interface Denial {
  /** The first check that denies the vote. */
  readonly check: string;
  readonly why: string;
  readonly step?: string;
}

/** Why response `i` has no vote; undefined where no check denies it. */
export function denialOf(checks: readonly Checked[], i: number): Denial | undefined {
  for (const { check, findings } of checks) {
    const finding = findings[i];
    if (finding?.vote !== false) continue;
    const { why, step } = finding;
    return { check, why, ...(step !== undefined && { step }) };
  }
  return undefined;
}

/** Takes the votes that checks deny from the classes of the answers. A check gives no vote to a response without one. */
export function checkedClasses(
  classes: readonly number[],
  checks: readonly Checked[] = [],
): Pick<Verdict, 'classes' | 'lost'> {
  const takers = classes.map((c, i) => (c === NO_ANSWER ? undefined : denialOf(checks, i)?.check));
  const by = new Map<string, number>();
  for (const check of takers) if (check !== undefined) by.set(check, (by.get(check) ?? 0) + 1);
  if (by.size === 0) return { classes };
  const left = classes.map((c, i) => (takers[i] === undefined ? c : NO_ANSWER));
  return { classes: left, lost: { by: Object.fromEntries(by), classes } };
}

/** Counts of responses. */
export interface VoteLosses {
  /** With an answer. */
  readonly answers: number;
  /** Of these, with a vote lost to a check. */
  readonly lost: number;
  /** With the answer that would win without the checks. */
  readonly winners: number;
  /** Of these, with a vote lost to a check. */
  readonly winnersLost: number;
}

export function voteLosses({ classes, lost }: Pick<Verdict, 'classes' | 'lost'>): VoteLosses {
  const before = lost?.classes ?? classes;
  const { winner } = majorityVote(before);
  const answers = before.flatMap((c, i) => (c === NO_ANSWER ? [] : [{ wins: c === winner, isLost: classes[i] !== c }]));
  const winners = answers.filter(({ wins }) => wins);
  return {
    answers: answers.length,
    lost: answers.filter(({ isLost }) => isLost).length,
    winners: winners.length,
    winnersLost: winners.filter(({ isLost }) => isLost).length,
  };
}
