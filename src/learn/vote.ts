/**
 * Majority vote over equivalence classes (MM-UPT, arXiv 2505.22453, section 3): the pseudo-label is what most samples
 * agree on.
 */

/** Class of a response without an answer: it has no vote. */
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
  /** 1 for a vote for the winner, else 0. */
  readonly rewards: readonly number[];
}

/** `classes[i]` is the equivalence class of response i's answer, -1 without an answer. */
export function majorityVote(classes: readonly number[]): Vote {
  // A Map keeps insertion order, so the first of the largest was seen first.
  const tally = new Map<number, number>();
  for (const c of classes) if (c !== NO_ANSWER) tally.set(c, (tally.get(c) ?? 0) + 1);
  let winner = NO_ANSWER;
  let votes = 0;
  for (const [c, count] of tally) {
    if (count > votes) [winner, votes] = [c, count];
  }
  return {
    winner,
    votes,
    share: classes.length === 0 ? 0 : votes / classes.length,
    silent: classes.filter((c) => c === NO_ANSWER).length,
    rewards: classes.map((c) => (c !== NO_ANSWER && c === winner ? 1 : 0)),
  };
}
