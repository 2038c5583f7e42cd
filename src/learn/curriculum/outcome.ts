/** What the verdict on a group says of its question. */
import type { Outcome } from '../../protocol/curriculum.ts';
import type { JudgedGroup, RolloutGroup, Verdict } from '../../protocol/messages.ts';

/** From this part of the floor on, a vote is nearly trusted. */
const NEAR = 2 / 3;

/**
 * The votes for the winner that are trusted, as a share of G: where the checks found something to check in the group,
 * those of responses whose work holds; else all.
 */
export function trustedShare(
  { checks = [] }: Pick<RolloutGroup, 'checks'>,
  { classes, winner, share }: Pick<Verdict, 'classes' | 'winner' | 'share'>,
): number {
  const checked = checks.some(({ findings }) => findings.some(({ vote }) => vote !== null));
  if (!checked) return share;
  const holds = (i: number) => {
    const votes = checks.map(({ findings }) => findings[i]?.vote);
    return votes.includes(true) && !votes.includes(false);
  };
  return classes.filter((own, i) => own === winner && holds(i)).length / classes.length;
}

/** @param floor the trusted share from which a vote is trusted: that of the filters. */
export function outcomeOf(
  { group, verdict }: { readonly group: Pick<RolloutGroup, 'checks'>; readonly verdict: JudgedGroup['verdict'] },
  floor: number,
): Outcome {
  const { kept, dropped, advantages, rewards } = verdict;
  const share = trustedShare(group, verdict);
  if (advantages.every((advantage) => advantage === 0))
    return share >= floor && rewards.some((reward) => reward > 0) ? 'known' : 'lost';
  if (kept && share >= floor) return share > (1 + floor) / 2 ? 'sure' : 'split';
  return (kept || dropped === 'share-floor') && share >= NEAR * floor ? 'near' : 'lost';
}
